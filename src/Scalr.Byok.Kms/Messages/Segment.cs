using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Some frames of a stream on their way, in one pooled buffer that is filled, worked on where it stands, drained, and filled again.
/// Has a cipher of its own, so that several can be worked on at once. Erased before its buffer goes back.
/// </summary>
internal sealed class Segment : IDisposable
{
    // Just below a power of two, which is what the pool hands out.
    private const int TargetLength = 512 * 1024;

    // More threads than this would outrun any stream, and each takes a buffer.
    private const int MaxThreads = 8;

    private readonly Lock _working = new();
    private byte[] _buffer = [];
    private bool _isKeyErased;

    private Segment(MessageCipher cipher) => Cipher = cipher;

    public MessageCipher Cipher { get; }

    public Memory<byte> Buffer => _buffer;

    /// <summary>The sequence number of the first of its frames.</summary>
    public uint FirstSequence { get; set; }

    /// <summary>How many frames it holds.</summary>
    public int FrameCount { get; set; }

    /// <summary>How many bytes its frames take.</summary>
    public int Length { get; set; }

    /// <summary>Whether the last of its frames is the message's.</summary>
    public bool EndsMessage { get; set; }

    /// <summary>How many of its frames, from the first on, proved authentic.</summary>
    public int Authentic { get; set; }

    /// <summary>What to end with once the authentic frames have gone out; null to go on.</summary>
    public ByokDecryptionException? Refusal { get; set; }

    /// <summary>How many bytes a buffer should hold of frames this long: many small ones, or one large one.</summary>
    public static long CapacityFor(long regularFrameLength)
    {
        const int more = MessageFormat.FinalFrameOverhead - MessageFormat.RegularFrameOverhead;
        return (Math.Max(1, (TargetLength - more) / regularFrameLength) * regularFrameLength) + more;
    }

    /// <summary>One for each thread and one more, for while the streams keep one waiting; one, if all is done in turn.</summary>
    public static Segment[] Create(ReadOnlySpan<byte> contentKey, ReadOnlyMemory<byte> messageId, int maxDegreeOfParallelism)
    {
        Segment[] segments = new Segment[maxDegreeOfParallelism == 1 ? 1 : Math.Min(maxDegreeOfParallelism, MaxThreads) + 1];
        for (int i = 0; i < segments.Length; i++)
        {
            segments[i] = new Segment(new MessageCipher(contentKey, messageId));
        }

        return segments;
    }

    /// <summary>Makes ready for new frames, the first bytes of which may be there already, even in this segment's own buffer.</summary>
    public void Restart(uint firstSequence, ReadOnlySpan<byte> start)
    {
        FirstSequence = firstSequence;
        FrameCount = 0;
        Length = 0;
        EndsMessage = false;
        Authentic = 0;
        Refusal = null;
        if (_buffer.Length < start.Length)
        {
            Replace(start.Length, start);
        }
        else
        {
            start.CopyTo(_buffer);
        }
    }

    /// <summary>Makes room for frames of our own, whose length is nobody else's word.</summary>
    public void Reserve(int capacity)
    {
        if (_buffer.Length < capacity)
        {
            Replace(capacity, default);
        }
    }

    /// <summary>Makes room behind the bytes that are there: twice as many at most, so that no memory is taken on the word of a header.</summary>
    public void Grow(int filled, int capacity)
    {
        Debug.Assert(filled < capacity, "there is more to come");
        if (filled == _buffer.Length)
        {
            Replace(Math.Min(capacity, Math.Max(TargetLength, 2 * filled)), _buffer.AsSpan(0, filled));
        }
    }

    /// <summary>Encrypts or decrypts the frames, unless the key was erased.</summary>
    /// <exception cref="ObjectDisposedException">The key was erased.</exception>
    public void Work(ISegmentFlow flow)
    {
        lock (_working)
        {
            ObjectDisposedException.ThrowIf(_isKeyErased, this);
            flow.Work(this);
        }
    }

    /// <summary>Erases the key, once no work is under way with it. The buffers are erased when the pipeline has ended.</summary>
    public void EraseKey()
    {
        lock (_working)
        {
            _isKeyErased = true;
            Cipher.Dispose();
        }
    }

    public void Dispose()
    {
        Replace(0, default);
        EraseKey();
    }

    private void Replace(int length, ReadOnlySpan<byte> start)
    {
        byte[] old = _buffer;
        byte[] buffer = length == 0 ? [] : ArrayPool<byte>.Shared.Rent(length);
        start.CopyTo(buffer);
        _buffer = buffer;
        if (old.Length > 0)
        {
            CryptographicOperations.ZeroMemory(old);
            ArrayPool<byte>.Shared.Return(old);
        }
    }
}
