using System.Runtime.CompilerServices;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Health;

/// <summary>The last probe of each key ring. Concurrent checks share a probe; an old one is repeated.</summary>
internal sealed class KeyRingProbes
{
    private readonly ConditionalWeakTable<object, Probe> _probes = [];
    private readonly TimeProvider _time;

    public KeyRingProbes(TimeProvider time) => _time = time;

    /// <summary>
    /// Sorts rings: first those with a probe under way, so that no second one starts; then those never probed; then by the age of the last
    /// probe, so that each ring is reached over time.
    /// </summary>
    public (int Class, long Begun) TurnOf(IByokKeyRing ring)
    {
        var probe = ProbeOf(ring);
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
    /// The health of a ring, at most <paramref name="maxAge"/> old. If AWS does not answer in time: the previous health, or null. And
    /// whether AWS was ever asked.
    /// </summary>
    /// <param name="ring">The ring.</param>
    /// <param name="maxAge">The largest age of the health.</param>
    /// <param name="patience">Ends the wait for AWS. The probe itself continues, for the next check.</param>
    public async Task<(ByokKeyHealth? Health, bool IsAsked)> AskAsync(IByokKeyRing ring, TimeSpan maxAge, CancellationToken patience)
    {
        var probe = ProbeOf(ring);
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
            // The probe itself goes on, and the next check finds its result.
            return (probe.Last, true);
        }
    }

    /// <summary>The probe of a ring. A ring whose settings have changed counts as never probed.</summary>
    private Probe ProbeOf(IByokKeyRing ring) => _probes.GetOrCreateValue(ring is IEvictableKeyRing passing ? passing.Version : ring);

    private Task<ByokKeyHealth?> Begin(Probe probe, IByokKeyRing ring, TimeSpan maxAge)
    {
        TaskCompletionSource<ByokKeyHealth?> run;
        lock (probe)
        {
            // A probe is also too old if it does not show a current denial, or shows one that has been cleared.
            var isOutdated = ring is IDeniableKeyRing deniable && probe.Last is { } last && deniable.IsDenied != (last.Reason is not null);
            if (probe.Run is { } present && !(present.IsCompleted && (isOutdated || _time.GetElapsedTime(probe.Begun) >= maxAge)))
            {
                return present;
            }

            run = new TaskCompletionSource<ByokKeyHealth?>(TaskCreationOptions.RunContinuationsAsynchronously);
            (probe.Begun, probe.Run) = (_time.GetTimestamp(), run.Task.Observed());
        }

        _ = RunAsync(probe, ring, run); // outside the lock, because a key ring may be the host's own class
        return run.Task;
    }

    private static async Task RunAsync(Probe probe, IByokKeyRing ring, TaskCompletionSource<ByokKeyHealth?> run)
    {
        try
        {
            var health = ring is IEvictableKeyRing passing
                ? await passing.ProbeUnlessEvictedAsync(CancellationToken.None).ConfigureAwait(false)
                : await ring.ProbeAsync(CancellationToken.None).ConfigureAwait(false);
            run.SetResult(probe.Last = health ?? probe.Last);
        }
        catch (Exception e)
        {
            run.SetException(e);
        }
    }

    private sealed class Probe
    {
        private volatile ByokKeyHealth? _last;

        public Task<ByokKeyHealth?>? Run { get; set; }

        public long Begun { get; set; }

        public ByokKeyHealth? Last
        {
            get => _last;
            set => _last = value;
        }
    }
}
