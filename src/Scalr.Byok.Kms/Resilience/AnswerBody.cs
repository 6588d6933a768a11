namespace Scalr.Byok.Kms.Resilience;

/// <summary>An answer's body that is cut off behind so many bytes; it counts what passes and holds nothing.</summary>
internal sealed class AnswerBody : Stream
{
    private readonly Stream _body;
    private long _left;

    public AnswerBody(Stream body, long length) => (_body, _left) = (body, length);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => Count(_left < 0 ? 0 : _body.Read(buffer));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(_left < 0 ? 0 : await _body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Count(int read)
    {
        _left -= read;
        if (_left >= 0)
        {
            return read;
        }

        // Whether or not the reader closes what it could not read: the connection is not kept for it.
        _body.Dispose();
        throw new AnswerTooLargeException();
    }
}
