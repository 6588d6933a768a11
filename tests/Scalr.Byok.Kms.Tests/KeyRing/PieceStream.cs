namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// A stream in memory that gives its bytes in pieces, fails or waits where a test says, and remembers what was done to it.
/// </summary>
internal sealed class PieceStream : MemoryStream
{
    public PieceStream()
    {
    }

    public PieceStream(byte[] content)
        : base(content, writable: false)
    {
    }

    /// <summary>The most bytes that the next read gives; asked before each.</summary>
    public Func<int> NextPiece { get; init; } = () => int.MaxValue;

    /// <summary>Awaited before each read, write and flush, with the position.</summary>
    public Func<long, CancellationToken, ValueTask> BeforeEach { get; init; } = (_, _) => ValueTask.CompletedTask;

    public int Flushes { get; private set; }

    public bool IsClosed { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await BeforeEach(Position, cancellationToken);
        return Read(buffer.Span[..Math.Min(buffer.Length, NextPiece())]);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await BeforeEach(Position, cancellationToken);
        Write(buffer.Span);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await BeforeEach(Position, cancellationToken);
        Flushes++;
    }

    protected override void Dispose(bool disposing)
    {
        IsClosed = true;
        base.Dispose(disposing);
    }
}
