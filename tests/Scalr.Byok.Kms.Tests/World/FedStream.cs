namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A watched stream to read from that has only what the test feeds it, piece by piece. A read waits for the next piece.</summary>
internal sealed class FedStream : WatchedStream
{
    private readonly Lock _gate = new();
    private ReadOnlyMemory<byte> _piece;
    private TaskCompletionSource? _fed;

    public override bool CanRead => true;

    /// <summary>Whether a read waits: all that was fed has been read.</summary>
    public bool IsHungry
    {
        get
        {
            lock (_gate)
            {
                return _fed is not null;
            }
        }
    }

    /// <summary>Gives the read that waits its next piece.</summary>
    public void Feed(ReadOnlyMemory<byte> piece)
    {
        TaskCompletionSource fed;
        lock (_gate)
        {
            (fed, _fed, _piece) = (_fed ?? throw new InvalidOperationException("No read waits."), null, piece);
        }

        fed.SetResult();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            while (true)
            {
                Task fed;
                lock (_gate)
                {
                    if (!_piece.IsEmpty)
                    {
                        var length = Math.Min(_piece.Length, buffer.Length);
                        _piece[..length].CopyTo(buffer);
                        _piece = _piece[length..];
                        return length;
                    }

                    fed = (_fed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }

                await fed.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            Leave();
        }
    }
}
