using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Kms;

/// <summary>The plaintext in an answer to kms:Decrypt: read once, then erased in the AWS SDK's own array.</summary>
/// <remarks>The AWS SDK returns a stream over its own array. The HTTP buffers that it was decoded from cannot be erased.</remarks>
internal readonly struct ErasedStream : IDisposable
{
    private readonly MemoryStream? _stream;

    public ErasedStream(MemoryStream? stream) => _stream = stream;

    /// <summary>The plaintext, valid until <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Span =>
        _stream is not null && _stream.TryGetBuffer(out var buffer) ? buffer.AsSpan() : _stream?.ToArray() ?? [];

    public void Dispose()
    {
        if (_stream is not null && _stream.TryGetBuffer(out var buffer))
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }
}
