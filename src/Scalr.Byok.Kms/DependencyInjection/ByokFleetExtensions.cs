using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Settings;
using static Scalr.Byok.Kms.ByokServiceCollectionExtensions;

namespace Scalr.Byok.Kms;

/// <summary>Lets the instances of a host share confirmations.</summary>
public static class ByokFleetExtensions
{
    /// <summary>
    /// Shares confirmations, role checks and invalidations with the other instances of the host, through the host's
    /// <see cref="IDistributedCache"/>. So many instances ask AWS little more than one.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Before an instance confirms a key, it reads whether another instance's request was accepted recently. That acceptance then replaces
    /// its own request. The rule does not change: a data key is used only if AWS accepted the key within
    /// <see cref="ByokOptions.ConfirmationInterval"/>. Each instance asks AWS itself, with its own session, at least once per
    /// <see cref="ByokDataKeyCacheOptions.MaxAge"/>. With a MaxAge of zero, or one that is not longer than the interval, nothing replaces a
    /// request.
    /// </para>
    /// <para>
    /// The cache is not trusted. Entries are authenticated with <see cref="ByokFleetOptions.Secrets"/> and contain no key, session, ARN or
    /// tenant. A cache that fails, is slow or is hostile costs requests to AWS and extends nothing. A read is waited
    /// for at most 250 milliseconds, and after a failure no call waits for the cache for a while.
    /// </para>
    /// <para>
    /// <see cref="IByokKeyRingProvider.Invalidate"/> affects all instances within ConfirmationInterval. In addition, settings in use are
    /// read from the store again once per MaxAge.
    /// </para>
    /// <para>
    /// All instances must use the same AWS identity and the same options. Costs one kms:Decrypt per instance, key and MaxAge, one session
    /// per instance, role and hour, and about five reads and two writes of the cache per instance, tenant and ConfirmationInterval.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options, which are validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder ShareConfirmations(this IByokBuilder builder, Action<ByokFleetOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        Add(builder.Services);
        builder.Services.Configure(configure);
        return builder;
    }

    /// <summary>
    /// Shares confirmations, role checks and invalidations with the other instances of the host. The options come from configuration.
    /// </summary>
    /// <inheritdoc cref="ShareConfirmations(IByokBuilder, Action{ByokFleetOptions})" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section with the options, for example <c>configuration.GetSection("Byok:Fleet")</c>.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder ShareConfirmations(this IByokBuilder builder, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configuration);
        Add(builder.Services);
        builder.Services.AddBound<ByokFleetOptions>(
            Options.DefaultName, configuration, SettingsShape.Fleet, static (section, options) => section.Bind(options));
        return builder;
    }

    private static void Add(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(FleetSharing)))
        {
            return;
        }

        services.AddOptions();
        services.AddSingleton<IValidateOptions<ByokFleetOptions>, FleetOptionsValidator>();
        services.TryAddSingleton<AwsTime>();
        services.AddSingleton(provider => new FleetSharing(
            provider.GetRequiredService<IOptions<ByokFleetOptions>>().Value,
            provider.GetRequiredService<IOptions<ByokOptions>>().Value,
            provider.GetRequiredService<IDistributedCache>(),
            provider.GetRequiredService<AwsTime>(),
            Logger<FleetSharing>(provider)));
    }
}
