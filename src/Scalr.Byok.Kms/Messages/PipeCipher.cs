using System.Buffers;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>The content key of a message between pipes, and its cipher. A denial erases both, after the work under way.</summary>
internal sealed class PipeCipher : IDisposable
{
    private readonly Lock _working = new();
    private readonly byte[] _contentKey;
    private readonly ReadOnlyMemory<byte> _messageId;
    private readonly int _maxDegreeOfParallelism;
    private readonly MessageCipher _cipher;
    private bool _isErased;

    /// <param name="contentKey">The content key. The caller erases it; this is a copy.</param>
    /// <param name="messageId">The message id, which must not change.</param>
    /// <param name="maxDegreeOfParallelism">The largest number of threads.</param>
    public PipeCipher(ReadOnlySpan<byte> contentKey, ReadOnlyMemory<byte> messageId, int maxDegreeOfParallelism)
    {
        _contentKey = GC.AllocateUninitializedArray<byte>(contentKey.Length, pinned: true);
        contentKey.CopyTo(_contentKey);
        _messageId = messageId;
        _maxDegreeOfParallelism = maxDegreeOfParallelism;
        _cipher = new MessageCipher(contentKey, messageId);
    }

    /// <summary>The cipher, for the header. Only before the work begins.</summary>
    public MessageCipher ForHeader => _cipher;

    private FrameCiphers Ciphers => new(_cipher, _contentKey, _messageId, _maxDegreeOfParallelism);

    /// <inheritdoc cref="BodyFrames.Encrypt"/>
    /// <exception cref="ObjectDisposedException">The key was erased.</exception>
    public void Encrypt(
        ReadOnlySequence<byte> plaintext, Memory<byte> destination, uint firstSequence, bool endsMessage, int frameLength)
    {
        // The lock makes a denial wait for this work: the native key must not be freed under it. It is held for at most one batch.
        lock (_working)
        {
            ObjectDisposedException.ThrowIf(_isErased, this);
            BodyFrames.Encrypt(plaintext, destination, firstSequence, endsMessage, frameLength, Ciphers);
        }
    }

    /// <inheritdoc cref="BodyFrames.TryDecrypt"/>
    /// <exception cref="ObjectDisposedException">The key was erased.</exception>
    public bool TryDecrypt(ReadOnlySequence<byte> frames, int count, uint firstSequence, BodyFormat format, Memory<byte> plaintext)
    {
        lock (_working)
        {
            ObjectDisposedException.ThrowIf(_isErased, this);
            return BodyFrames.TryDecrypt(frames, count, firstSequence, format, plaintext, Ciphers);
        }
    }

    /// <summary>Erases the key. Doing it again does nothing.</summary>
    public void Dispose()
    {
        lock (_working)
        {
            _isErased = true;
            _cipher.Dispose();
            CryptographicOperations.ZeroMemory(_contentKey);
        }
    }
}
