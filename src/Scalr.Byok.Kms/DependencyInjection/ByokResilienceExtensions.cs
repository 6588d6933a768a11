using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polly;
using Scalr.Byok.Kms.DependencyInjection;

namespace Scalr.Byok.Kms;

/// <summary>Changes how calls to AWS are protected.</summary>
public static class ByokResilienceExtensions
{
    /// <summary>Changes the numbers: time limits, retries, circuit breakers.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes <see cref="ByokOptions.Resilience"/>; validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder ConfigureResilience(this IByokBuilder builder, Action<ByokResilienceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.Configure<ByokOptions>(options => configure(options.Resilience));
        return builder;
    }

    /// <summary>Puts strategies of the host's own in the place of the library's retries.</summary>
    /// <remarks>
    /// They stand inside the total time limit and outside the failover between Regions, the circuit breakers and the time limit of an attempt, and see what an attempt
    /// throws: <see cref="ByokServiceException"/> above all, whose <see cref="ByokServiceException.IsTransient"/> and <see cref="ByokServiceException.RetryAfter"/> say
    /// whether and when to try again. One pipeline serves all calls of all customers.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="build">Adds strategies of Polly.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder ConfigureResilience(this IByokBuilder builder, Action<ResiliencePipelineBuilder> build)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(build);
        builder.Services.Replace(ServiceDescriptor.Singleton(new ResilienceReplacement(build)));
        return builder;
    }
}
