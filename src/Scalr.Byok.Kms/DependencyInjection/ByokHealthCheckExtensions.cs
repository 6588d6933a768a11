using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.KeyRing;
using static Scalr.Byok.Kms.ByokServiceCollectionExtensions;

namespace Scalr.Byok.Kms;

/// <summary>Adds a health check for customers' keys (Microsoft.Extensions.Diagnostics.HealthChecks).</summary>
public static class ByokHealthCheckExtensions
{
    private const string DefaultName = "byok";

    private static readonly TimeSpan LongestTimeout = TimeSpan.FromHours(1);

    /// <summary>
    /// Adds a health check for the key rings. It reports the worst of them, by default without data that identifies customers.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Checks the rings of <c>AddKeyRing</c>, and the rings of <see cref="IByokKeyRingProvider"/> that are in use. It neither creates nor
    /// keeps a tenant's ring.
    /// </para>
    /// <para>
    /// A problem of the host (its AWS identity or token provider, an outage of AWS, or the failure of all of several key rings) makes the
    /// host unhealthy. A customer's problem, for example a disabled key, makes it degraded
    /// (<see cref="ByokHealthCheckOptions.CustomerFailureStatus"/>).
    /// </para>
    /// <para>
    /// The check ends within <see cref="ByokHealthCheckOptions.Timeout"/>. It calls kms:DescribeKey at most once per key, replica and
    /// <see cref="ByokHealthCheckOptions.MaxAge"/>, and once more after a denial begins or ends. For a ring whose calls are denied, it
    /// also calls the denied action, at most once per <see cref="ByokOptions.ConfirmationInterval"/>. So it is never healthy while reading
    /// or writing is denied, and recovers without other calls.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The name of the health check. Null, the default: <c>byok</c>.</param>
    /// <param name="failureStatus">The status for a problem of the host. Default: <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select health checks by. Default: none.</param>
    /// <param name="configure">Changes the options of the health check. Default: none.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A number or duration in the options is negative, or the timeout is zero or above 1 hour.
    /// </exception>
    public static IByokBuilder AddHealthCheck(
        this IByokBuilder builder,
        string? name = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null,
        Action<ByokHealthCheckOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddHealthChecks().AddByokKeyRings(name, failureStatus, tags, configure);
        return builder;
    }

    /// <inheritdoc cref="AddHealthCheck(IByokBuilder, string?, HealthStatus?, IEnumerable{string}?, Action{ByokHealthCheckOptions}?)"/>
    public static IHealthChecksBuilder AddByokKeyRings(
        this IHealthChecksBuilder builder,
        string? name = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null,
        Action<ByokHealthCheckOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new ByokHealthCheckOptions();
        configure?.Invoke(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxReported, nameof(configure));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAge, TimeSpan.Zero, nameof(configure));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero, nameof(configure));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Timeout, LongestTimeout, nameof(configure));
        if (!Enum.IsDefined(options.CustomerFailureStatus))
        {
            throw new ArgumentOutOfRangeException(
                nameof(configure), options.CustomerFailureStatus, "CustomerFailureStatus is not a health status.");
        }

        builder.Services.TryAddSingleton(provider => new KeyRingProbes(Time(provider)));
        return builder.Add(new HealthCheckRegistration(
            name ?? DefaultName,
            provider => new KeyRingsHealthCheck(
                () => Rings(provider, options.KeyRing), provider.GetRequiredService<KeyRingProbes>(), options, Time(provider)),
            failureStatus,
            tags));
    }

    private static IEnumerable<(string Name, Func<IByokKeyRing> Find)> Rings(IServiceProvider provider, string? only) =>
        Names(provider, only).Select(name => (name, (Func<IByokKeyRing>)(() => Ring(provider, name))))
            .Concat(only is not null ? [] : provider.GetService<KeyRingProvider>()?.InUse.Select(
                ring => ($"tenant:{ring.Tenant}", (Func<IByokKeyRing>)(() => ring.Ring))) ?? []);

    private static List<string> Names(IServiceProvider provider, string? only)
    {
        var names = provider.GetServices<KeyRingRegistration>().Select(registration => registration.Name).Distinct().ToList();
        return only is null
            ? names
            : names.Contains(only)
                ? [only]
                : throw new InvalidOperationException(
                    $"The health check is for the key ring '{only}', which was not added with {nameof(ByokBuilderExtensions.AddKeyRing)}.");
    }

    private static IByokKeyRing Ring(IServiceProvider provider, string name) =>
        name.Length == 0 ? provider.GetRequiredService<IByokKeyRing>() : provider.GetRequiredKeyedService<IByokKeyRing>(name);
}
