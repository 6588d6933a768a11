using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Kms;

/// <summary>The plaintext in a kms:Decrypt answer: taken out once, then erased where the AWS SDK left it.</summary>
/// <remarks>The SDK hands out a stream over an array of its own. What cannot be erased are the HTTP buffers it was decoded from.</remarks>
internal readonly struct ErasedStream : IDisposable
{
    private readonly MemoryStream? _stream;

    public ErasedStream(MemoryStream? stream) => _stream = stream;

    /// <summary>The plaintext, valid until <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Span => _stream is not null && _stream.TryGetBuffer(out var buffer) ? buffer.AsSpan() : _stream?.ToArray() ?? [];

    public void Dispose()
    {
        if (_stream is not null && _stream.TryGetBuffer(out var buffer))
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }
}
