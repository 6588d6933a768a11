using System.Runtime.ExceptionServices;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Moves a stream through segments, so that reading, processing and writing overlap. Each segment has a worker that fills, processes and
/// drains it, over and over, so that its bytes stay in the cache of one core. Segments are filled and drained in order, one at a time.
/// </summary>
internal sealed class SegmentPipeline : IDisposable
{
    private readonly ISegmentFlow _flow;
    private readonly Segment[] _segments;
    private readonly IStreamUse _use;
    private readonly CancellationTokenSource _stop;

    // An asynchronous lock, because its owner waits for a stream. Guards the source and _drained.
    private readonly SemaphoreSlim _filling = new(1);
    private Task _drained = Task.CompletedTask;

    // Written under _filling. RunWorkerAsync reads it without: an old value starts one more worker, which ends at once.
    private volatile bool _allFilled;
    private Exception? _failure;

    private SegmentPipeline(ISegmentFlow flow, Segment[] segments, IStreamUse use, CancellationToken cancellationToken)
    {
        _flow = flow;
        _segments = segments;
        _use = use;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, use.Stopped);
    }

    /// <summary>Runs until the last segment is drained or an error occurs. After it returns, nothing uses a segment.</summary>
    /// <param name="flow">The work.</param>
    /// <param name="segments">The segments. With one, everything runs in sequence; with more, as many are in use at the same time.</param>
    /// <param name="use">
    /// Decides whether the data key may be used. Asked before each segment is processed, and again before it is drained.
    /// </param>
    /// <param name="cancellationToken">Passed to the streams.</param>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public static async Task RunAsync(ISegmentFlow flow, Segment[] segments, IStreamUse use, CancellationToken cancellationToken)
    {
        using SegmentPipeline pipeline = new(flow, segments, use, cancellationToken);

        // A denial erases the keys at once, even while a stream that ignores its token is still reading or writing.
        using (use.Stopped.Register(() => Array.ForEach(segments, static segment => segment.EraseKey())))
        {
            // The end of this block waits for a callback under way. So EraseKey never meets a segment that its owner disposes.
            await (segments.Length == 1 ? pipeline.RunAloneAsync() : pipeline.RunWorkerAsync(0)).ConfigureAwait(false);
        }

        // A stopped stream fails by its token or by an erased key. The denial says why. Without a failure, all was written before it
        // arrived.
        if (use.End is { } end && pipeline._failure is not null)
        {
            throw end;
        }

        // With the caller's token instead of the linked one.
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

    // Never throws: an error is in _failure.
    private async Task RunAloneAsync()
    {
        var segment = _segments[0];
        try
        {
            while (_failure is null && !_allFilled)
            {
                _stop.Token.ThrowIfCancellationRequested();
                _allFilled = !await _flow.FillAsync(segment, _stop.Token).ConfigureAwait(false);
                _failure = await WorkAsync(segment).ConfigureAwait(false) ?? await DrainAsync(segment).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            _failure = e;
        }
    }

    // Each worker starts the next one once there is more work, and waits for it at its end. A worker never throws: errors are in _failure.
    private async Task RunWorkerAsync(int worker)
    {
        var segment = _segments[worker];
        Task? next = null;
        while (await TakeTurnAsync(segment).ConfigureAwait(false) is { } turn)
        {
            if (next is null && !_allFilled && worker + 1 < _segments.Length)
            {
                // Without the token: a task that is cancelled before it starts would throw at the await below.
                next = Task.Run(() => RunWorkerAsync(worker + 1), CancellationToken.None);
            }

            await WorkAndDrainAsync(segment, turn).ConfigureAwait(false);
        }

        await (next ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private async ValueTask<Turn?> TakeTurnAsync(Segment segment)
    {
        // Without the token: each worker must take or end its turn, so that no other worker waits for it forever.
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
                // Kept for this segment's turn: segments that were filled before it are still written.
                failure = e;
                _allFilled = true;
            }

            Turn turn = new(_drained, new(TaskCreationOptions.RunContinuationsAsynchronously), failure);

            // Under the semaphore, so the chain of turns has the order of the filling.
            _drained = turn.Ended.Task;
            return turn;
        }
        finally
        {
            _filling.Release();
        }
    }

    // Segments filled before an error are still written. Later ones are not.
    private async ValueTask WorkAndDrainAsync(Segment segment, Turn turn)
    {
        try
        {
            var failure = turn.Failure ?? await WorkAsync(segment).ConfigureAwait(false);

            // From here to the end of its turn, only this worker uses _failure.
            await turn.Before.ConfigureAwait(false);
            if (_failure is not null)
            {
                return;
            }

            _failure = failure ?? await DrainAsync(segment).ConfigureAwait(false);
            if (_failure is not null)
            {
                // A stream that throws on cancellation must not end the run while other segments are in use.
                await _stop.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            // In all cases, because the next segment waits for it.
            turn.Ended.SetResult();
        }
    }

    private async ValueTask<Exception?> WorkAsync(Segment segment)
    {
        try
        {
            // The facts, before the work of each segment and again before its bytes are written.
            await _use.EnsureAsync(_stop.Token).ConfigureAwait(false);
            segment.Work(_flow);
            return null;
        }
        catch (Exception e)
        {
            // Not thrown: it becomes the failure of the run only in this segment's turn.
            return e;
        }
    }

    private async ValueTask<Exception?> DrainAsync(Segment segment)
    {
        try
        {
            // Streams need not observe the token.
            _stop.Token.ThrowIfCancellationRequested();

            // Reading and other segments may have taken long.
            await _use.EnsureAsync(_stop.Token).ConfigureAwait(false);
            await _flow.DrainAsync(segment, _use, _stop.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    /// <summary>A filled segment's position in the order.</summary>
    /// <param name="Before">Completes when all earlier segments have been drained, or never will be.</param>
    /// <param name="Ended">Completed when this segment has been drained, or never will be.</param>
    /// <param name="Failure">The error that prevented it from being filled.</param>
    private readonly record struct Turn(Task Before, TaskCompletionSource Ended, Exception? Failure);
}
