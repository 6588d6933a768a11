using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Health;

/// <summary>One health check for many key rings. The owner of a problem decides how severe it is for the host.</summary>
internal sealed class KeyRingsHealthCheck : IHealthCheck
{
    /// <summary>
    /// The number of concurrent probes, so that a host with thousands of rings does not query AWS for all of them at once.
    /// </summary>
    private const int AtATime = 32;

    private readonly Func<IEnumerable<(string Name, Func<IByokKeyRing> Find)>> _rings;
    private readonly KeyRingProbes _probes;
    private readonly ByokHealthCheckOptions _options;
    private readonly TimeProvider _time;

    /// <param name="rings">The rings to check: the name, and a function that returns the ring.</param>
    /// <param name="probes">The last probes.</param>
    /// <param name="options">The options.</param>
    /// <param name="time">The clock.</param>
    public KeyRingsHealthCheck(
        Func<IEnumerable<(string Name, Func<IByokKeyRing> Find)>> rings,
        KeyRingProbes probes,
        ByokHealthCheckOptions options,
        TimeProvider time)
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
        var results = new ConcurrentQueue<RingResult>();
        var rings = Find(results);
        await Parallel.ForEachAsync(
            rings,
            new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken },
            async (ring, _) => results.Enqueue(await CheckAsync(ring.Name, ring.Ring, patience.Token).ConfigureAwait(false)))
                .ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();

        var troubles = results.Where(result => result.Worst is not null)
            .OrderByDescending(result => result.Worst!.Severity)
            .ThenByDescending(result => result.IsOfHost).ThenBy(result => result.Name, StringComparer.Ordinal).ToList();
        return new HealthCheckResult(
            Judge([.. results], context.Registration.FailureStatus),
            Describe([.. results], troubles),
            exception: null,
            Data([.. results], troubles));
    }

    /// <summary>The rings in the order of the check. A ring that cannot be created is already reported.</summary>
    private List<(string Name, IByokKeyRing Ring)> Find(ConcurrentQueue<RingResult> results)
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
                results.Enqueue(new RingResult(name, null, AtFault("made", e)));
            }
        }

        return [.. rings.OrderBy(ring => _probes.TurnOf(ring.Ring))];
    }

    private async Task<RingResult> CheckAsync(string name, IByokKeyRing ring, CancellationToken patience)
    {
        try
        {
            var (health, isAsked) = await _probes.AskAsync(ring, _options.MaxAge, patience).ConfigureAwait(false);
            if (ring is IEvictableKeyRing { IsGone: true })
            {
                return new RingResult(name, ring.KeyArn, Worst: null); // idle, or replaced: there is nothing to report about it
            }

            var worst = health is not null
                ? health.Findings.FirstOrDefault(finding => finding.Severity != ByokKeyFindingSeverity.Information)
                : isAsked
                    ? new ByokKeyFinding(
                        ByokKeyFindingCode.ServiceUnavailable, ByokKeyFindingSeverity.Error, ByokKeyFindingOwner.Aws,
                        string.Create(CultureInfo.InvariantCulture, $"AWS did not answer within {_options.Timeout.TotalSeconds} s."),
                        "Wait and try again. No change is needed.")
                    : null;
            return new RingResult(name, ring.KeyArn, worst) { IsChecked = isAsked };
        }
        catch (Exception e)
        {
            return new RingResult(name, null, AtFault("queried", e));
        }
    }

    /// <summary>Without the exception's text: it may contain anything, and the result is often shown without authentication.</summary>
    private static ByokKeyFinding AtFault(string what, Exception error) => new(
        ByokKeyFindingCode.HostAtFault, ByokKeyFindingSeverity.Error, ByokKeyFindingOwner.Host,
        $"The key ring could not be {what} ({error.GetType().Name}).", "The host's operator has to correct it; the customer cannot.");

    private HealthStatus Judge(RingResult[] results, HealthStatus failureStatus)
    {
        var worst = results.Select(result => result switch
        {
            { Worst: null } => HealthStatus.Healthy,
            { IsFailed: true, IsOfHost: true } => failureStatus,
            { IsFailed: true } => _options.CustomerFailureStatus,
            { IsOfHost: true } => HealthStatus.Degraded,
            _ => _options.CustomerFailureStatus == HealthStatus.Healthy ? HealthStatus.Healthy : HealthStatus.Degraded,
        }).DefaultIfEmpty(HealthStatus.Healthy).Min(); // the worst has the least number

        // One customer may revoke one key. If all keys fail at once, the cause is probably the host or AWS.
        return results.Length > 1 && results.All(result => result.IsFailed) && failureStatus < worst ? failureStatus : worst;
    }

    private static string Describe(RingResult[] results, List<RingResult> troubles)
    {
        var codes = troubles.GroupBy(result => (result.Worst!.Code, result.Worst.Owner))
            .Select(group => $"{group.Count()} {group.Key.Code} ({group.Key.Owner})");
        var unseen = results.Count(result => !result.IsChecked);
        return (results.Length, troubles.Count, unseen) switch
        {
            (0, _, _) => "There is no key ring to check.",
            (1, 0, 0) => "The key ring is healthy.",
            (1, 1, 0) => $"The key ring is not healthy: {troubles[0].Worst!.Code} ({troubles[0].Worst!.Owner}).",
            (var all, 0, 0) => $"All {all} key rings are healthy.",
            (var all, 0, _) =>
                $"{all - unseen} of {all} key rings are healthy; the others were not reached in time and are checked first next time.",
            (var all, var ill, 0) => $"{ill} of {all} key rings are not healthy: {string.Join(", ", codes)}.",
            (var all, var ill, _) =>
                $"{ill} of {all} key rings are not healthy: {string.Join(", ", codes)}; {unseen} were not reached in time and are "
                + "checked first next time.",
        };
    }

    private Dictionary<string, object> Data(RingResult[] results, List<RingResult> troubles)
    {
        var data = new Dictionary<string, object>
        {
            ["keyRings"] = results.Length,
            ["failed"] = results.Count(result => result.IsFailed),
            ["warned"] = troubles.Count(result => !result.IsFailed),
            ["notChecked"] = results.Count(result => !result.IsChecked),
        };
        foreach (var result in _options.IncludeCustomerData ? troubles.Take(_options.MaxReported) : [])
        {
            var name = result.Name.Length == 0 ? "keyRing" : $"keyRing:{result.Name}";
            var key = result.KeyArn is { } arn ? $"{arn}: " : string.Empty;
            data[name] = $"{key}{result.Worst!.Code}. {result.Worst.Message} {result.Worst.Remedy}";
        }

        return data;
    }

    private sealed record RingResult(string Name, KmsKeyArn? KeyArn, ByokKeyFinding? Worst)
    {
        /// <summary>False if the time was over before the ring's first probe began. That says nothing about AWS or the key.</summary>
        public bool IsChecked { get; init; } = true;

        public bool IsFailed => Worst?.Severity == ByokKeyFindingSeverity.Error;

        public bool IsOfHost => Worst is { Owner: not ByokKeyFindingOwner.Customer };
    }
}
