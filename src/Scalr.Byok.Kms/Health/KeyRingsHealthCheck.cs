using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Health;

/// <summary>One health for many key rings: whose trouble it is decides how bad it is for the host.</summary>
internal sealed class KeyRingsHealthCheck : IHealthCheck
{
    /// <summary>How many rings are probed at a time, so that a host of thousands does not ask AWS for all of them at once.</summary>
    private const int AtATime = 32;

    private readonly Func<IEnumerable<(string Name, Func<IByokKeyRing> Find)>> _rings;
    private readonly KeyRingProbes _probes;
    private readonly ByokHealthCheckOptions _options;
    private readonly TimeProvider _time;

    /// <param name="rings">The rings to look at: a name, and how to get at the ring.</param>
    /// <param name="probes">Their last probes.</param>
    /// <param name="options">How to judge.</param>
    /// <param name="time">The clock.</param>
    public KeyRingsHealthCheck(
        Func<IEnumerable<(string Name, Func<IByokKeyRing> Find)>> rings, KeyRingProbes probes, ByokHealthCheckOptions options, TimeProvider time)
    {
        _rings = rings;
        _probes = probes;
        _options = options;
        _time = time;
    }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var limit = new CancellationTokenSource(_options.Timeout, _time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var looks = new ConcurrentQueue<Look>();
        var rings = Find(looks);
        await Parallel.ForEachAsync(
            rings,
            new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken },
            async (ring, _) => looks.Enqueue(await LookAsync(ring.Name, ring.Ring, patience.Token).ConfigureAwait(false))).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();

        var troubles = looks.Where(look => look.Worst is not null)
            .OrderByDescending(look => look.Worst!.Severity).ThenByDescending(look => look.IsHosts).ThenBy(look => look.Name, StringComparer.Ordinal).ToList();
        return new HealthCheckResult(
            Judge([.. looks], context.Registration.FailureStatus), Describe([.. looks], troubles), exception: null, Data([.. looks], troubles));
    }

    /// <summary>The rings in the order in which to look at them; one that cannot be made is looked at already.</summary>
    private List<(string Name, IByokKeyRing Ring)> Find(ConcurrentQueue<Look> looks)
    {
        var rings = new List<(string Name, IByokKeyRing Ring)>();
        foreach (var (name, find) in _rings())
        {
            try
            {
                rings.Add((name, find()));
            }
            catch (Exception e)
            {
                looks.Enqueue(new Look(name, null, AtFault("made", e)));
            }
        }

        return [.. rings.OrderBy(ring => _probes.TurnOf(ring.Ring))];
    }

    private async Task<Look> LookAsync(string name, IByokKeyRing ring, CancellationToken patience)
    {
        try
        {
            var (health, isAsked) = await _probes.AskAsync(ring, _options.MaxAge, patience).ConfigureAwait(false);
            if (ring is IPassingKeyRing { IsGone: true })
            {
                return new Look(name, ring.KeyArn, Worst: null); // idle, or replaced: nothing to tell of it any more
            }

            var worst = health is not null
                ? health.Findings.FirstOrDefault(finding => finding.Severity != KeyFindingSeverity.Information)
                : isAsked
                    ? new KeyFinding(
                        KeyFindingCode.ServiceUnavailable, KeyFindingSeverity.Error, KeyFindingOwner.Aws,
                        string.Create(CultureInfo.InvariantCulture, $"AWS did not answer within {_options.Timeout.TotalSeconds} s."),
                        "Wait and try again; nobody needs to change anything.")
                    : null;
            return new Look(name, ring.KeyArn, worst) { IsLookedAt = isAsked };
        }
        catch (Exception e)
        {
            return new Look(name, null, AtFault("looked at", e));
        }
    }

    /// <summary>Without the exception's text: it may be anybody's, and the result is often shown without authentication.</summary>
    private static KeyFinding AtFault(string what, Exception error) => new(
        KeyFindingCode.HostAtFault, KeyFindingSeverity.Error, KeyFindingOwner.Host,
        $"The key ring could not be {what} ({error.GetType().Name}).", "The host's operator has to mend it; the customer cannot.");

    private HealthStatus Judge(Look[] looks, HealthStatus failureStatus)
    {
        var worst = looks.Select(look => look switch
        {
            { Worst: null } => HealthStatus.Healthy,
            { IsFailed: true, IsHosts: true } => failureStatus,
            { IsFailed: true } => _options.CustomerFailureStatus,
            { IsHosts: true } => HealthStatus.Degraded,
            _ => _options.CustomerFailureStatus == HealthStatus.Healthy ? HealthStatus.Healthy : HealthStatus.Degraded,
        }).DefaultIfEmpty(HealthStatus.Healthy).Min(); // the worst has the least number

        // One customer may pull one key; that all of them do so at once is not their doing.
        return looks.Length > 1 && looks.All(look => look.IsFailed) && failureStatus < worst ? failureStatus : worst;
    }

    private static string Describe(Look[] looks, List<Look> troubles)
    {
        var codes = troubles.GroupBy(look => (look.Worst!.Code, look.Worst.Owner)).Select(group => $"{group.Count()} {group.Key.Code} ({group.Key.Owner})");
        var unseen = looks.Count(look => !look.IsLookedAt);
        return (looks.Length, troubles.Count, unseen) switch
        {
            (0, _, _) => "There is no key ring to look at.",
            (1, 0, 0) => "The key ring is well.",
            (1, 1, 0) => $"The key ring is not well: {troubles[0].Worst!.Code} ({troubles[0].Worst!.Owner}).",
            (var all, 0, 0) => $"All {all} key rings are well.",
            (var all, 0, _) => $"{all - unseen} of {all} key rings are well; there was no time for the others, which come first the next time.",
            (var all, var ill, 0) => $"{ill} of {all} key rings are not well: {string.Join(", ", codes)}.",
            (var all, var ill, _) =>
                $"{ill} of {all} key rings are not well: {string.Join(", ", codes)}; there was no time for {unseen}, which come first the next time.",
        };
    }

    private Dictionary<string, object> Data(Look[] looks, List<Look> troubles)
    {
        var data = new Dictionary<string, object>
        {
            ["keyRings"] = looks.Length,
            ["failed"] = looks.Count(look => look.IsFailed),
            ["warned"] = troubles.Count(look => !look.IsFailed),
            ["notLookedAt"] = looks.Count(look => !look.IsLookedAt),
        };
        foreach (var look in _options.IncludeCustomerData ? troubles.Take(_options.MaxReported) : [])
        {
            var name = look.Name.Length == 0 ? "keyRing" : $"keyRing:{look.Name}";
            var key = look.KeyArn is { } arn ? $"{arn}: " : string.Empty;
            data[name] = $"{key}{look.Worst!.Code}. {look.Worst.Message} {look.Worst.Remedy}";
        }

        return data;
    }

    private sealed record Look(string Name, KmsKeyArn? KeyArn, KeyFinding? Worst)
    {
        /// <summary>False where the time was over before the ring's first probe began: that says nothing about AWS or the key.</summary>
        public bool IsLookedAt { get; init; } = true;

        public bool IsFailed => Worst?.Severity == KeyFindingSeverity.Error;

        public bool IsHosts => Worst?.Owner is KeyFindingOwner.Host or KeyFindingOwner.Aws;
    }
}
