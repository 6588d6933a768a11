using System.Threading.Channels;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Moves a stream through segments so that reading, working and writing overlap: each segment is filled, worked on by any thread,
/// drained in its turn, and filled again. Memory is bounded by the segments there are.
/// </summary>
internal static class SegmentPipeline
{
    /// <summary>Runs until the last segment is drained or something fails. Whatever happens, nothing touches a segment afterwards.</summary>
    /// <param name="flow">What to do.</param>
    /// <param name="segments">One: all is done in turn, by the caller's own flow. More: as many are under way at once.</param>
    /// <param name="cancellationToken">Passed to the streams.</param>
    public static Task RunAsync(ISegmentFlow flow, Segment[] segments, CancellationToken cancellationToken) =>
        segments.Length == 1 ? RunInTurnAsync(flow, segments[0], cancellationToken) : RunOverlappedAsync(flow, segments, cancellationToken);

    private static async Task RunInTurnAsync(ISegmentFlow flow, Segment segment, CancellationToken cancellationToken)
    {
        bool more;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            more = await flow.FillAsync(segment, cancellationToken).ConfigureAwait(false);
            flow.Work(segment);
            await flow.DrainAsync(segment, cancellationToken).ConfigureAwait(false);
        }
        while (more);
    }

    private static async Task RunOverlappedAsync(ISegmentFlow flow, Segment[] segments, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var free = Channel.CreateUnbounded<Segment>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var busy = Channel.CreateUnbounded<Segment>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        foreach (Segment segment in segments)
        {
            free.Writer.TryWrite(segment);
        }

        Task filling = FillAllAsync(flow, free.Reader, busy.Writer, stop.Token);
        try
        {
            await DrainAllAsync(flow, busy.Reader, free.Writer, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await filling.ConfigureAwait(false);
            await Task.WhenAll(segments.Select(segment => segment.Work)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Never fails: what goes wrong is handed on behind the segments that were filled before, which still go out.
    private static async Task FillAllAsync(ISegmentFlow flow, ChannelReader<Segment> free, ChannelWriter<Segment> busy, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // a stream that never waits would leave nobody to drain
        try
        {
            bool more;
            do
            {
                Segment segment = await free.ReadAsync(cancellationToken).ConfigureAwait(false);
                more = await flow.FillAsync(segment, cancellationToken).ConfigureAwait(false);
                segment.Work = Task.Run(() => flow.Work(segment), CancellationToken.None);
                busy.TryWrite(segment);
            }
            while (more);

            busy.Complete();
        }
        catch (Exception e)
        {
            busy.Complete(e);
        }
    }

    private static async Task DrainAllAsync(ISegmentFlow flow, ChannelReader<Segment> busy, ChannelWriter<Segment> free, CancellationToken cancellationToken)
    {
        await foreach (Segment segment in busy.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            await segment.Work.ConfigureAwait(false);
            await flow.DrainAsync(segment, cancellationToken).ConfigureAwait(false);
            free.TryWrite(segment);
        }
    }
}
