using System.Runtime.ExceptionServices;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Moves a stream through segments so that reading, working and writing overlap. Each segment has a worker that fills it, works on it
/// and drains it, over and over, so that its bytes stay in one core's cache. Filling and draining go in order, one segment at a time.
/// </summary>
internal sealed class SegmentPipeline : IDisposable
{
    private readonly ISegmentFlow _flow;
    private readonly Segment[] _segments;
    private readonly IStreamUse _use;
    private readonly CancellationTokenSource _stop;
    private readonly SemaphoreSlim _filling = new(1);
    private Task _drained = Task.CompletedTask;
    private volatile bool _allFilled;
    private Exception? _failure;

    private SegmentPipeline(ISegmentFlow flow, Segment[] segments, IStreamUse use, CancellationToken cancellationToken)
    {
        _flow = flow;
        _segments = segments;
        _use = use;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, use.Stopped);
    }

    /// <summary>Runs until the last segment is drained or something fails. Whatever happens, nothing touches a segment afterwards.</summary>
    /// <param name="flow">What to do.</param>
    /// <param name="segments">One: all is done in turn. More: as many are under way at once, if there is so much to do.</param>
    /// <param name="use">Whether the data key may be used. Checked before each segment is worked on, and again before it is drained.</param>
    /// <param name="cancellationToken">Passed to the streams.</param>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public static async Task RunAsync(ISegmentFlow flow, Segment[] segments, IStreamUse use, CancellationToken cancellationToken)
    {
        using SegmentPipeline pipeline = new(flow, segments, use, cancellationToken);

        // A denial erases the keys at once, even while a stream that ignores its token is still reading or writing.
        using (use.Stopped.Register(() => Array.ForEach(segments, static segment => segment.EraseKey())))
        {
            await pipeline.RunWorkerAsync(0).ConfigureAwait(false);
        }

        if (use.End is { } end && pipeline._failure is not null)
        {
            throw end;
        }

        if (pipeline._failure is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        if (pipeline._failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    public void Dispose()
    {
        _filling.Dispose();
        _stop.Dispose();
    }

    // Each starts the one after it once there is more to do, and waits for it at its end. Never fails: what goes wrong is in _failure.
    private async Task RunWorkerAsync(int worker)
    {
        Segment segment = _segments[worker];
        Task? next = null;
        while (await TakeTurnAsync(segment).ConfigureAwait(false) is { } turn)
        {
            if (next is null && !_allFilled && worker + 1 < _segments.Length)
            {
                next = Task.Run(() => RunWorkerAsync(worker + 1), CancellationToken.None);
            }

            await WorkAndDrainAsync(segment, turn).ConfigureAwait(false);
        }

        await (next ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private async ValueTask<Turn?> TakeTurnAsync(Segment segment)
    {
        await _filling.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (_allFilled)
            {
                return null;
            }

            Exception? failure = null;
            try
            {
                _stop.Token.ThrowIfCancellationRequested();
                _allFilled = !await _flow.FillAsync(segment, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                failure = e;
                _allFilled = true;
            }

            Turn turn = new(_drained, new(TaskCreationOptions.RunContinuationsAsynchronously), failure);
            _drained = turn.Ended.Task;
            return turn;
        }
        finally
        {
            _filling.Release();
        }
    }

    // What was filled before a failure still goes out; what comes after it does not.
    private async ValueTask WorkAndDrainAsync(Segment segment, Turn turn)
    {
        try
        {
            Exception? failure = turn.Failure ?? await WorkAsync(segment).ConfigureAwait(false);
            await turn.Before.ConfigureAwait(false);
            if (_failure is not null)
            {
                return;
            }

            _failure = failure ?? await DrainAsync(segment).ConfigureAwait(false);
            if (_failure is not null)
            {
                // A stream that throws at being cancelled must not end the run while others are under way.
                await _stop.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            turn.Ended.SetResult();
        }
    }

    private async ValueTask<Exception?> WorkAsync(Segment segment)
    {
        try
        {
            await _use.EnsureAsync(_stop.Token).ConfigureAwait(false);
            segment.Work(_flow);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private async ValueTask<Exception?> DrainAsync(Segment segment)
    {
        try
        {
            _stop.Token.ThrowIfCancellationRequested(); // streams need not care
            await _use.EnsureAsync(_stop.Token).ConfigureAwait(false); // reading and other segments may have taken long
            await _flow.DrainAsync(segment, _use, _stop.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    /// <summary>A filled segment's place in the order.</summary>
    /// <param name="Before">Ends when all segments before it have been drained, or never will be.</param>
    /// <param name="Ended">Told when it has been drained itself, or never will be.</param>
    /// <param name="Failure">What kept it from being filled.</param>
    private readonly record struct Turn(Task Before, TaskCompletionSource Ended, Exception? Failure);
}
