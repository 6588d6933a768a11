using System.Net;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// The body of an answer, completely read. Erased when the AWS SDK disposes it, because it may contain a plaintext data key.
/// </summary>
internal sealed class AnswerContent : HttpContent
{
    private readonly byte[] _buffer;
    private readonly int _length;

    /// <param name="buffer">The buffer. Takes ownership.</param>
    /// <param name="length">The length of the body in the buffer.</param>
    public AnswerContent(byte[] buffer, int length)
    {
        _buffer = buffer;
        _length = length;
    }

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(OpenStream());

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => OpenStream();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(_buffer, 0, _length);

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        CryptographicOperations.ZeroMemory(_buffer);
        base.Dispose(disposing);
    }

    private MemoryStream OpenStream() => new MemoryStream(_buffer, 0, _length, writable: false);
}
