using System.Runtime.CompilerServices;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Health;

/// <summary>The last probe of each key ring: shared by all who ask, begun anew when it is too old, never twice at a time.</summary>
internal sealed class KeyRingProbes
{
    private readonly ConditionalWeakTable<IByokKeyRing, Probe> _probes = [];
    private readonly TimeProvider _time;

    public KeyRingProbes(TimeProvider time) => _time = time;

    /// <summary>
    /// Sorts rings: first those that are being probed, so that nothing is begun behind their backs, then those that never were, then by the age of the last
    /// probe, so that each ring has its turn where the time does not suffice for all.
    /// </summary>
    public (int Class, long Begun) TurnOf(IByokKeyRing ring)
    {
        var probe = _probes.GetOrCreateValue(ring);
        lock (probe)
        {
            return probe.Run switch
            {
                null => (1, 0),
                { IsCompleted: false } => (0, probe.Begun),
                _ => (2, probe.Begun),
            };
        }
    }

    /// <summary>
    /// The health of a ring as of <paramref name="maxAge"/> ago at most; if AWS does not answer in time, what it was before, or null. Also whether AWS was
    /// ever asked.
    /// </summary>
    /// <param name="ring">The ring.</param>
    /// <param name="maxAge">How old it may be.</param>
    /// <param name="patience">Ends the wait for AWS; the probe itself goes on, for whoever asks next.</param>
    public async Task<(KeyHealth? Health, bool IsAsked)> AskAsync(IByokKeyRing ring, TimeSpan maxAge, CancellationToken patience)
    {
        var probe = _probes.GetOrCreateValue(ring);
        if (patience.IsCancellationRequested)
        {
            return (probe.Last, TurnOf(ring).Class != 1);
        }

        try
        {
            return (await Begin(probe, ring, maxAge).WaitAsync(patience).ConfigureAwait(false), true);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return (probe.Last, true);
        }
    }

    private Task<KeyHealth?> Begin(Probe probe, IByokKeyRing ring, TimeSpan maxAge)
    {
        lock (probe)
        {
            // A probe is also too old if it does not show a denial that stands now, or still shows one that does not.
            var isOutdated = ring is IDeniableKeyRing deniable && probe.Last is { } last && deniable.IsDenied != (last.Reason is not null);
            if (probe.Run is null || (probe.Run.IsCompleted && (isOutdated || _time.GetElapsedTime(probe.Begun) >= maxAge)))
            {
                probe.Begun = _time.GetTimestamp();
                probe.Run = RunAsync(probe, ring);

                // Nobody may wait for it any more when it fails.
                _ = probe.Run.ContinueWith(static run => run.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            }

            return probe.Run;
        }
    }

    private static async Task<KeyHealth?> RunAsync(Probe probe, IByokKeyRing ring)
    {
        var health = ring is IPassingKeyRing passing
            ? await passing.ProbeIfThereAsync(CancellationToken.None).ConfigureAwait(false)
            : await ring.ProbeAsync(CancellationToken.None).ConfigureAwait(false);
        return probe.Last = health ?? probe.Last;
    }

    private sealed class Probe
    {
        private volatile KeyHealth? _last;

        public Task<KeyHealth?>? Run { get; set; }

        public long Begun { get; set; }

        public KeyHealth? Last
        {
            get => _last;
            set => _last = value;
        }
    }
}
