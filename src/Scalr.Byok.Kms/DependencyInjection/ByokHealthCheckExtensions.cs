using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.KeyRing;
using static Scalr.Byok.Kms.ByokServiceCollectionExtensions;

namespace Scalr.Byok.Kms;

/// <summary>Adds a health check over customers' keys (Microsoft.Extensions.Diagnostics.HealthChecks).</summary>
public static class ByokHealthCheckExtensions
{
    private const string DefaultName = "byok";

    private static readonly TimeSpan LongestTimeout = TimeSpan.FromHours(1);

    /// <summary>Adds a health check over the key rings: the worst of them, told without anything that identifies a customer unless asked for.</summary>
    /// <remarks>
    /// It checks the rings of <c>AddKeyRing</c> and those of <see cref="IByokKeyRingProvider"/> that are in use: a tenant that was not
    /// asked for, or whose
    /// ring is idle for too long, is left alone, and a health check keeps no ring in use.
    /// A problem of the host's own makes the host unhealthy: its AWS identity or token provider, an outage of AWS, or every one of several
    /// key rings failing. A customer's problem, a disabled key for example, makes it degraded
    /// (<see cref="ByokHealthCheckOptions.CustomerFailureStatus"/>). The check ends within <see cref="ByokHealthCheckOptions.Timeout"/>,
    /// however slow AWS is. It calls kms:DescribeKey, and for a ring whose calls are denied the denied action, at most once per
    /// <see cref="ByokOptions.ConfirmationInterval"/>. So the status is never healthy while reading or writing is denied, and recovers
    /// without other calls.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The health check's name. Default <c>byok</c>.</param>
    /// <param name="failureStatus">What a problem of the host's own is reported as. Default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select health checks by. Default none.</param>
    /// <param name="configure">Changes how it judges and what it tells.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="name"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number or duration in the options is negative, or the timeout is zero or above 1 hour.</exception>
    public static IByokBuilder AddHealthCheck(
        this IByokBuilder builder,
        string name = DefaultName,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null,
        Action<ByokHealthCheckOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddHealthChecks().AddHealthCheck(name, failureStatus, tags, configure);
        return builder;
    }

    /// <inheritdoc cref="AddHealthCheck(IByokBuilder, string, HealthStatus?, IEnumerable{string}?, Action{ByokHealthCheckOptions}?)"/>
    public static IHealthChecksBuilder AddHealthCheck(
        this IHealthChecksBuilder builder,
        string name = DefaultName,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null,
        Action<ByokHealthCheckOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        var options = new ByokHealthCheckOptions();
        configure?.Invoke(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxReported, nameof(configure));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAge, TimeSpan.Zero, nameof(configure));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero, nameof(configure));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Timeout, LongestTimeout, nameof(configure));
        if (!Enum.IsDefined(options.CustomerFailureStatus))
        {
            throw new ArgumentOutOfRangeException(nameof(configure), options.CustomerFailureStatus, "CustomerFailureStatus is no health status.");
        }

        builder.Services.TryAddSingleton(provider => new KeyRingProbes(Time(provider)));
        return builder.Add(new HealthCheckRegistration(
            name,
            provider => new KeyRingsHealthCheck(
                () => Rings(provider, options.KeyRing), provider.GetRequiredService<KeyRingProbes>(), options, Time(provider)),
            failureStatus,
            tags));
    }

    private static IEnumerable<(string Name, Func<IByokKeyRing> Find)> Rings(IServiceProvider provider, string? only) =>
        Names(provider, only).Select(name => (name, (Func<IByokKeyRing>)(() => Ring(provider, name))))
            .Concat(only is not null ? [] : provider.GetService<KeyRingProvider>()?.InUse.Select(ring => ($"tenant:{ring.Tenant}", (Func<IByokKeyRing>)(() => ring.Ring))) ?? []);

    private static List<string> Names(IServiceProvider provider, string? only)
    {
        var names = provider.GetServices<KeyRingRegistration>().Select(registration => registration.Name).Distinct().ToList();
        return only is null
            ? names
            : names.Contains(only)
                ? [only]
                : throw new InvalidOperationException(
                    $"The health check looks at the key ring '{only}', which was not added with {nameof(ByokBuilderExtensions.AddKeyRing)}.");
    }

    private static IByokKeyRing Ring(IServiceProvider provider, string name) =>
        name.Length == 0 ? provider.GetRequiredService<IByokKeyRing>() : provider.GetRequiredKeyedService<IByokKeyRing>(name);
}
