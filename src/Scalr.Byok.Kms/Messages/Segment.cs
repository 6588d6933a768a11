using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Some frames of a stream in one pooled buffer, which is filled, processed in place, drained, and filled again. Has its own cipher, so
/// that several segments can be processed at the same time. The buffer is erased before it is returned.
/// </summary>
internal sealed class Segment : IDisposable
{
    // More threads are faster than any stream, and each needs a buffer.
    private const int MaxThreads = 8;

    private readonly Lock _working = new();
    private readonly DataKey _contentKey;
    private readonly ReadOnlyMemory<byte> _messageId;
    private MessageCipher? _cipher;
    private byte[] _buffer = [];
    private int _length;

    // How many bytes of the buffer, from its start, may hold data.
    private int _touched;

    // Up to where a stream may be writing, or has written before it failed.
    private int _lent;
    private bool _isKeyErased;

    private Segment(DataKey contentKey, ReadOnlyMemory<byte> messageId)
    {
        _contentKey = contentKey;
        _messageId = messageId;
    }

    /// <summary>The cipher. Only for <see cref="ISegmentFlow.Work"/>, and before the segment is shared.</summary>
    /// <exception cref="ObjectDisposedException">The key was erased.</exception>
    // Created on first use: a short message fills one segment only.
    public MessageCipher Cipher => _cipher ??= new MessageCipher(_contentKey, _messageId);

    public Memory<byte> Buffer => _buffer;

    /// <summary>The sequence number of its first frame.</summary>
    public uint FirstSequence { get; set; }

    /// <summary>The number of its frames.</summary>
    public int FrameCount { get; set; }

    /// <summary>The offset of its frames in the buffer. Set before <see cref="Length"/>.</summary>
    public int Start { get; set; }

    /// <summary>The length of its frames in bytes.</summary>
    public int Length
    {
        get => _length;
        set
        {
            _length = value;
            Touch(Start + value);
        }
    }

    /// <summary>Its frames.</summary>
    public Memory<byte> Frames => _buffer.AsMemory(Start, _length);

    /// <summary>Whether its last frame is the last one of the message.</summary>
    public bool EndsMessage { get; set; }

    /// <summary>The number of its frames, from the first one on, that are authentic.</summary>
    public int Authentic { get; set; }

    /// <summary>The exception to throw after the authentic frames were written; null to continue.</summary>
    public ByokDecryptionException? Failure { get; set; }

    /// <summary>
    /// Creates one segment per thread and one more, for the time when streams are slow; only one if nothing runs in parallel.
    /// </summary>
    public static Segment[] Create(ReadOnlySpan<byte> contentKey, ReadOnlyMemory<byte> messageId, int maxDegreeOfParallelism)
    {
        var segments = new Segment[maxDegreeOfParallelism == 1 ? 1 : Math.Min(maxDegreeOfParallelism, MaxThreads) + 1];
        var key = DataKey.CopyFrom(contentKey);
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = new Segment(key, messageId);
        }

        return segments;
    }

    /// <summary>Prepares for new frames. Their first bytes may already exist, even in this segment's own buffer.</summary>
    public void Restart(uint firstSequence, ReadOnlySpan<byte> start)
    {
        FirstSequence = firstSequence;
        FrameCount = 0;
        Start = 0;
        Length = 0;
        EndsMessage = false;
        Authentic = 0;
        Failure = null;
        if (_buffer.Length < start.Length)
        {
            Replace(start.Length, start);
        }
        else
        {
            start.CopyTo(_buffer);
        }
    }

    /// <summary>Makes space for frames to write, whose length this library chose.</summary>
    public void Reserve(int capacity)
    {
        if (_buffer.Length < capacity)
        {
            Replace(capacity, default);
        }
    }

    /// <summary>Records that the buffer may hold data up to here. It is erased at the end.</summary>
    public void Touch(int end) => _touched = Math.Max(_touched, end);

    /// <summary>A part of the buffer for plaintext to encrypt. <see cref="TakeBack"/> follows a read that succeeds.</summary>
    public Memory<byte> PlaceFor(int start, int length)
    {
        // Before it is written: a stream that fails may have written a part.
        _lent = start + length;
        return _buffer.AsMemory(start, length);
    }

    /// <summary>Ends the use of <see cref="PlaceFor"/>.</summary>
    /// <param name="end">Up to where the buffer was written.</param>
    public void TakeBack(int end)
    {
        Touch(end);
        _lent = 0;
    }

    /// <summary>Makes space after the existing bytes: at most twice as much, so that a claimed length alone allocates no memory.</summary>
    public void Grow(int filled, int capacity)
    {
        Debug.Assert(filled < capacity, "there is more to come");
        if (filled == _buffer.Length)
        {
            Replace(Math.Min(capacity, Math.Max(SegmentSizes.Long, 2 * filled)), _buffer.AsSpan(0, filled));
        }
    }

    /// <summary>Encrypts or decrypts the frames, unless the key was erased.</summary>
    /// <exception cref="ObjectDisposedException">The key was erased.</exception>
    public void Work(ISegmentFlow flow)
    {
        // The lock makes a denial wait for this work: the native key must not be freed under it. It is held for at most one segment.
        lock (_working)
        {
            ObjectDisposedException.ThrowIf(_isKeyErased, this);
            flow.Work(this);
        }
    }

    /// <summary>Erases the key, after the work under way. The buffers are erased when the pipeline has ended.</summary>
    public void EraseKey()
    {
        lock (_working)
        {
            _isKeyErased = true;
            _cipher?.Dispose();

            // All segments share it, and all are erased together.
            _contentKey.Dispose();
        }
    }

    public void Dispose()
    {
        Replace(0, default);
        EraseKey();
    }

    private void Replace(int length, ReadOnlySpan<byte> start)
    {
        var old = _buffer;
        var buffer = length == 0 ? [] : ArrayPool<byte>.Shared.Rent(length);
        start.CopyTo(buffer);
        _buffer = buffer;
        if (old.Length > 0)
        {
            // Erased, because the pool gives the buffer to any code of the process.
            CryptographicOperations.ZeroMemory(old.AsSpan(0, Math.Max(_touched, _lent)));
            ArrayPool<byte>.Shared.Return(old);
        }
    }
}
