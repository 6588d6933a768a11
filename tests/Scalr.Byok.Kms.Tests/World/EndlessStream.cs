namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A source that goes on for as long as it is read. A reader that does not stop is stopped, and fails.</summary>
internal sealed class EndlessStream : Stream
{
    private const int TooMuch = 64 << 20;

    private readonly IEnumerator<byte[]> _parts;
    private ReadOnlyMemory<byte> _part;

    /// <param name="parts">What is read, part after part.</param>
    public EndlessStream(IEnumerable<byte[]> parts) => _parts = parts.GetEnumerator();

    /// <summary>How many bytes have been read.</summary>
    public int BytesRead { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Some bytes, and then others over and over.</summary>
    public static IEnumerable<byte[]> After(byte[] start, byte[] then)
    {
        yield return start;
        while (true)
        {
            yield return then;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_part.IsEmpty && _parts.MoveNext())
        {
            _part = _parts.Current;
        }

        var length = Math.Min(_part.Length, buffer.Length);
        _part[..length].CopyTo(buffer);
        _part = _part[length..];
        BytesRead += length;
        return BytesRead < TooMuch ? ValueTask.FromResult(length) : throw new InvalidOperationException("read on and on");
    }

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _parts.Dispose();
        base.Dispose(disposing);
    }
}
