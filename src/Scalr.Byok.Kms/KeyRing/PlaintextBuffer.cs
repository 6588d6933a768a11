using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The plaintext of one message, in one piece, until it is encrypted again. Erased by <see cref="Dispose"/>.</summary>
internal sealed class PlaintextBuffer : IBufferWriter<byte>, IDisposable
{
    private byte[] _bytes = [];
    private bool _isPooled;
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Dispose();

        // The message of a data key contains 32 key bytes: pinned, so the garbage collector leaves no copies.
        _isPooled = sizeHint > DataKey.Length;
        _bytes = _isPooled ? ArrayPool<byte>.Shared.Rent(sizeHint) : GC.AllocateUninitializedArray<byte>(DataKey.Length, pinned: true);
        return _bytes;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        var (bytes, length) = (_bytes, _length);
        (_bytes, _length) = ([], 0);

        // The rest of the array was never written: a message that is not authentic is erased by its reader.
        CryptographicOperations.ZeroMemory(bytes.AsSpan(0, length));
        if (_isPooled)
        {
            _isPooled = false;
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
