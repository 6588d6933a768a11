using System.Collections.Concurrent;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>The order in which segments go out, whichever of them takes longest.</summary>
internal sealed class SegmentPipelineTests
{
    [Test]
    public async Task Run_drains_in_order_though_a_segment_takes_longer_than_all_that_fit_behind_it(
        [Range(1, 6)] int slow, [Values(2, 3, 5)] int threads)
    {
        var segments = Segment.Create(new byte[MessageKeys.ContentKeyLength], Sample.MessageId, threads);
        using SlowFlow flow = new(count: 12, slow, othersToWaitFor: Math.Min(segments.Length - 1, 12 - slow));
        try
        {
            await SegmentPipeline.RunAsync(flow, segments, FreeUse.Instance, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            Array.ForEach(segments, segment => segment.Dispose());
        }

        Assert.That(flow.Drained, Is.EqualTo(Enumerable.Range(1, 12)));
    }

    /// <summary>Numbers the segments; work on one of them goes on until as many after it as there can be have been worked on.</summary>
    private sealed class SlowFlow(int count, int slow, int othersToWaitFor) : ISegmentFlow, IDisposable
    {
        private readonly CountdownEvent _others = new(othersToWaitFor);
        private uint _filled;

        public ConcurrentQueue<int> Drained { get; } = new();

        public async ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken)
        {
            await Task.Yield();
            segment.Restart(++_filled, default);
            return _filled < count;
        }

        public void Work(Segment segment)
        {
            if (segment.FirstSequence == slow)
            {
                _others.Wait(TimeSpan.FromSeconds(20));
            }
            else if (segment.FirstSequence > slow && !_others.IsSet)
            {
                _others.Signal();
            }
        }

        public async ValueTask DrainAsync(Segment segment, IStreamUse use, CancellationToken cancellationToken)
        {
            await Task.Yield();
            Drained.Enqueue((int)segment.FirstSequence);
        }

        public void Dispose() => _others.Dispose();
    }
}
