using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>All metrics of the library. All attributes have few values, and none identifies a customer.</summary>
internal static class Instruments
{
    public const string OperationAttribute = "aws.operation";
    public const string RegionAttribute = "cloud.region";
    public const string ErrorAttribute = "error.type";

    public static readonly string Version = // without the commit after the plus sign
        typeof(Instruments).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    private static readonly Meter Meter = new(ByokTelemetry.MeterName, Version);

    private static readonly Histogram<double> AttemptDuration = Meter.CreateHistogram(
        "scalr.byok.aws.attempt.duration", "s", "Time that one request to AWS KMS or AWS STS took.", tags: null,
        new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
        });

    private static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "scalr.byok.aws.retries", "{retry}", "Calls to AWS that were tried again.");

    private static readonly Counter<long> Failovers = Meter.CreateCounter<long>(
        "scalr.byok.aws.failovers", "{failover}", "Calls that went to another Region of the key.");

    private static readonly Counter<long> BreakerTransitions = Meter.CreateCounter<long>(
        "scalr.byok.breaker.transitions", "{transition}", "Circuit breakers of a key and Region that changed their state.");

    private static readonly Counter<long> CacheHits = Meter.CreateCounter<long>(
        "scalr.byok.cache.hits", "{hit}", "Data keys that were found in a cache.");

    private static readonly Counter<long> CacheMisses = Meter.CreateCounter<long>(
        "scalr.byok.cache.misses", "{miss}", "Data keys that were not found in a cache, so that AWS KMS was asked or waited for.");

    private static readonly Counter<long> CacheEvictions = Meter.CreateCounter<long>(
        "scalr.byok.cache.evictions", "{key}", "Data keys that a cache erased.");

    // Observed, so that the number is right for a listener that starts late.
    public static readonly ObservableUpDownCounter<long> CacheKeys = Meter.CreateObservableUpDownCounter(
        "scalr.byok.cache.keys", static () => CacheMeter.Measurements, "{key}", "Data keys that are in a cache.");

    private static readonly Counter<long> Revocations = Meter.CreateCounter<long>(
        "scalr.byok.revocations", "{revocation}", "Times that a key turned out to be unusable.");

    private static readonly Counter<long> KeyEvents = Meter.CreateCounter<long>(
        "scalr.byok.key.events", "{event}", "Key events that were reported to the observers.");

    private static readonly Counter<long> Probes = Meter.CreateCounter<long>(
        "scalr.byok.probes", "{probe}", "Health queries of a key by kms:DescribeKey.");

    private static readonly Counter<long> EncryptedMessages = Meter.CreateCounter<long>(
        "scalr.byok.messages.encrypted", "{message}", "Messages that were encrypted.");

    private static readonly Counter<long> DecryptedMessages = Meter.CreateCounter<long>(
        "scalr.byok.messages.decrypted", "{message}", "Messages that were decrypted.");

    private static readonly Counter<long> EncryptedPlaintext = Meter.CreateCounter<long>(
        "scalr.byok.plaintext.encrypted", "By", "Plaintext that was encrypted.");

    private static readonly Counter<long> DecryptedPlaintext = Meter.CreateCounter<long>(
        "scalr.byok.plaintext.decrypted", "By", "Plaintext that was decrypted.");

    private static readonly Counter<long> AuditFailures = Meter.CreateCounter<long>(
        "scalr.byok.audit.failures", "{record}", "Audit records that a sink did not accept.");

    /// <summary>Whether a listener measures requests to AWS.</summary>
    public static bool MeasuresAttempts => AttemptDuration.Enabled;

    public static void Attempted(TimeSpan duration, string operation, string region, string outcome, string? error)
    {
        var tags = Tags(operation, region, error);
        tags.Add("outcome", outcome);
        AttemptDuration.Record(duration.TotalSeconds, tags);
    }

    public static void Retried(string operation, string region, string? error) => Retries.Add(1, Tags(operation, region, error));

    /// <param name="from">The Region that did not serve.</param>
    /// <param name="cause">A <see cref="FailoverCause"/>.</param>
    public static void FailedOver(string from, string cause) => Failovers.Add(1, new(RegionAttribute, from), new("cause", cause));

    public static void BreakerChanged(string state, string region) =>
        BreakerTransitions.Add(1, new(RegionAttribute, region), new("state", state));

    public static void Hit(in KeyValuePair<string, object?> cache) => CacheHits.Add(1, cache);

    public static void Missed(in KeyValuePair<string, object?> cache) => CacheMisses.Add(1, cache);

    public static void Evicted(in KeyValuePair<string, object?> cache, string cause) => CacheEvictions.Add(1, cache, new("cause", cause));

    public static void Revoked(ByokKeyUnavailableReason reason)
    {
        if (Revocations.Enabled)
        {
            Revocations.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()));
        }
    }

    /// <param name="kind">The name of a <see cref="ByokKeyEventKind"/>.</param>
    /// <param name="reason">A <see cref="ByokKeyFindingCode"/>, or the name of a <see cref="ByokKeyUnavailableReason"/>.</param>
    public static void Reported(string kind, string reason) => KeyEvents.Add(1, new("kind", kind), new("reason", reason));

    public static void Probed(HealthStatus status) => Probes.Add(1, new KeyValuePair<string, object?>("status", status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    }));

    public static void AuditFailed() => AuditFailures.Add(1);

    public static void Encrypted(long bytes)
    {
        EncryptedMessages.Add(1);
        EncryptedPlaintext.Add(bytes);
    }

    public static void Decrypted(long bytes)
    {
        DecryptedMessages.Add(1);
        DecryptedPlaintext.Add(bytes);
    }

    private static TagList Tags(string operation, string region, string? error)
    {
        TagList tags = new() { { OperationAttribute, operation }, { RegionAttribute, region } };
        if (error is not null)
        {
            tags.Add(ErrorAttribute, error);
        }

        return tags;
    }
}
