using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polly;
using Scalr.Byok.Kms.DependencyInjection;

namespace Scalr.Byok.Kms;

/// <summary>Configures the time limits, retries and circuit breakers of calls to AWS.</summary>
public static class ByokResilienceExtensions
{
    /// <summary>Changes the time limits, retries and circuit breakers.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes <see cref="ByokOptions.Resilience"/>, which is validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder ConfigureResilience(this IByokBuilder builder, Action<ByokResilienceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.Configure<ByokOptions>(options => configure(options.Resilience));
        return builder;
    }

    /// <summary>
    /// Replaces the library's retries with strategies of the host. These alone then decide whether a call is retried.
    /// </summary>
    /// <remarks>
    /// <para>
    /// <see cref="ByokResilienceOptions.MaxRetryAttempts"/> and <see cref="ByokResilienceOptions.RetryDelay"/> no longer apply. A pipeline
    /// without a retry strategy retries nothing. A second call replaces the first one. To change the numbers only, call
    /// <see cref="ConfigureResilience"/>.
    /// </para>
    /// <para>
    /// The host's strategies run inside the total time limit, and outside the failover between Regions, the circuit breakers and the time
    /// limit of an attempt. Attempts mostly throw <see cref="ByokServiceException"/>, whose <see cref="ByokServiceException.IsTransient"/>
    /// and <see cref="ByokServiceException.RetryAfter"/> say whether and when to retry.
    /// One pipeline serves all calls of all customers.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="build">Adds Polly strategies.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder UseResiliencePipeline(this IByokBuilder builder, Action<ResiliencePipelineBuilder> build)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(build);
        builder.Services.Replace(ServiceDescriptor.Singleton(new ResilienceReplacement(build)));
        return builder;
    }
}
