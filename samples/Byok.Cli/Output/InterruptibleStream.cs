namespace Byok.Cli.Output;

/// <summary>
/// A standard stream whose reads and writes end when they are cancelled. Those of the system ignore the token and block until the other
/// side reads or writes. So a cancelled operation continues, with its own memory, until the process ends.
/// </summary>
internal sealed class InterruptibleStream(Stream inner) : Stream
{
    private const int BufferLength = 128 * 1024;

    private readonly byte[] _buffer = new byte[BufferLength];

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var length = Math.Min(buffer.Length, _buffer.Length);
        var read = await Task.Run(() => inner.Read(_buffer, 0, length), cancellationToken).WaitAsync(cancellationToken);
        _buffer.AsSpan(0, read).CopyTo(buffer.Span);
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            var length = Math.Min(buffer.Length, _buffer.Length);
            buffer.Span[..length].CopyTo(_buffer);
            await Task.Run(() => inner.Write(_buffer, 0, length), cancellationToken).WaitAsync(cancellationToken);
            buffer = buffer[length..];
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        Task.Run(inner.Flush, cancellationToken).WaitAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
