using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scalr.Byok.Kms.Health;

/// <summary>One health for many key rings: whose trouble it is decides how bad it is for the host.</summary>
internal sealed class KeyRingsHealthCheck : IHealthCheck
{
    /// <summary>How many rings are probed at a time, so that a host of thousands does not ask AWS for all of them at once.</summary>
    private const int AtATime = 32;

    private readonly Func<IEnumerable<(string Name, IByokKeyRing Ring)>> _rings;
    private readonly KeyRingProbes _probes;
    private readonly ByokHealthCheckOptions _options;
    private readonly TimeProvider _time;

    /// <param name="rings">The rings to look at, with their names.</param>
    /// <param name="probes">Their last probes.</param>
    /// <param name="options">How to judge.</param>
    /// <param name="time">The clock.</param>
    public KeyRingsHealthCheck(Func<IEnumerable<(string Name, IByokKeyRing Ring)>> rings, KeyRingProbes probes, ByokHealthCheckOptions options, TimeProvider time)
    {
        _rings = rings;
        _probes = probes;
        _options = options;
        _time = time;
    }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var limit = new CancellationTokenSource(_options.Timeout, _time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var rings = _rings().ToArray();
        var looks = new Look[rings.Length];
        await Parallel.ForAsync(
            0,
            rings.Length,
            new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken },
            async (i, _) => looks[i] = await LookAsync(rings[i].Name, rings[i].Ring, patience.Token).ConfigureAwait(false)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();

        var troubles = looks.Where(look => look.Worst is not null).OrderByDescending(look => look.Worst!.Severity).ThenByDescending(look => look.IsHosts).ToList();
        return new HealthCheckResult(
            Judge(looks, context.Registration.FailureStatus), Describe(looks.Length, troubles), exception: null, Data(looks, troubles));
    }

    private async Task<Look> LookAsync(string name, IByokKeyRing ring, CancellationToken patience)
    {
        var health = await _probes.AskAsync(ring, _options.MaxAge, patience).ConfigureAwait(false);
        var worst = health is null
            ? new KeyFinding(
                KeyFindingCode.ServiceUnavailable, KeyFindingSeverity.Error, KeyFindingOwner.Aws,
                $"AWS did not answer within {_options.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s.", "Wait and try again; nobody needs to change anything.")
            : health.Findings.FirstOrDefault(finding => finding.Severity != KeyFindingSeverity.Information);
        return new Look(name, ring.KeyArn, worst);
    }

    private HealthStatus Judge(Look[] looks, HealthStatus failureStatus)
    {
        var customers = _options.CustomerFailureStatus;
        if (looks.Any(look => look.IsFailed && look.IsHosts))
        {
            return failureStatus;
        }

        // One customer may pull one key; that all of them do so at once is not their doing.
        if (looks.Length > 1 && looks.All(look => look.IsFailed))
        {
            return failureStatus;
        }

        if (looks.Any(look => look.IsFailed))
        {
            return customers;
        }

        return looks.Any(look => look.Worst is not null) && customers != HealthStatus.Healthy ? HealthStatus.Degraded : HealthStatus.Healthy;
    }

    private static string Describe(int count, List<Look> troubles)
    {
        var codes = troubles.GroupBy(look => (look.Worst!.Code, look.Worst.Owner)).Select(group => $"{group.Count()} {group.Key.Code} ({group.Key.Owner})");
        return (count, troubles.Count) switch
        {
            (0, _) => "There is no key ring to look at.",
            (_, 0) => $"All {count} key rings are well.",
            _ => $"{troubles.Count} of {count} key rings are not well: {string.Join(", ", codes)}.",
        };
    }

    private Dictionary<string, object> Data(Look[] looks, List<Look> troubles)
    {
        var data = new Dictionary<string, object>
        {
            ["keyRings"] = looks.Length,
            ["failed"] = looks.Count(look => look.IsFailed),
            ["warned"] = troubles.Count(look => !look.IsFailed),
        };
        foreach (var look in _options.IncludeCustomerData ? troubles.Take(_options.MaxReported) : [])
        {
            var name = look.Name.Length == 0 ? "keyRing" : $"keyRing:{look.Name}";
            data[name] = $"{look.KeyArn}: {look.Worst!.Code}. {look.Worst.Message} {look.Worst.Remedy}";
        }

        return data;
    }

    private sealed record Look(string Name, KmsKeyArn KeyArn, KeyFinding? Worst)
    {
        public bool IsFailed => Worst?.Severity == KeyFindingSeverity.Error;

        public bool IsHosts => Worst?.Owner is KeyFindingOwner.Host or KeyFindingOwner.Aws;
    }
}
