namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// A stream that has only the calls a library may make of someone else's stream, the asynchronous ones, and takes notes of them: whether
/// two were ever under way at once, whether any came after the end, whether it was closed. At one place it can be made to misbehave.
/// </summary>
internal abstract class WatchedStream : Stream
{
    private Func<CancellationToken, Task>? _trouble;
    private int _underWay;
    private int _overlaps;
    private int _lateCalls;
    private volatile bool _ended;

    /// <summary>How many calls have not come back yet.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

    /// <summary>How often a call began before the one before had come back.</summary>
    public int Overlaps => Volatile.Read(ref _overlaps);

    /// <summary>How many calls began after <see cref="End"/>.</summary>
    public int LateCalls => Volatile.Read(ref _lateCalls);

    public bool IsClosed { get; private set; }

    public override bool CanRead => false;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    protected long TroubleAt { get; private set; } = long.MaxValue;

    /// <summary>Has this happen, once, before any byte at the given offset or behind it is moved.</summary>
    public void At(long offset, Func<CancellationToken, Task> trouble) => (TroubleAt, _trouble) = (offset, trouble);

    /// <summary>Throws this at the given offset.</summary>
    public void At(long offset, Exception exception) => At(offset, _ => Task.FromException(exception));

    /// <summary>To be called when the user of the stream says that it is done with it.</summary>
    public void End() => _ended = true;

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        IsClosed = true;
        base.Dispose(disposing);
    }

    protected Task MeetTroubleAsync(CancellationToken cancellationToken)
    {
        TroubleAt = long.MaxValue;
        return _trouble!(cancellationToken);
    }

    protected void Enter()
    {
        if (Interlocked.Increment(ref _underWay) > 1)
        {
            Interlocked.Increment(ref _overlaps);
        }

        if (_ended)
        {
            Interlocked.Increment(ref _lateCalls);
        }
    }

    protected void Leave() => Interlocked.Decrement(ref _underWay);
}
