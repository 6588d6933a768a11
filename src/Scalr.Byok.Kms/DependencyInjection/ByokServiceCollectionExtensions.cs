using Amazon.Runtime;
using Amazon.SecurityToken;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DependencyInjection;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Settings;
using Scalr.Byok.Kms.Verification;

namespace Scalr.Byok.Kms;

/// <summary>Adds the library to a host's services.</summary>
public static class ByokServiceCollectionExtensions
{
    /// <summary>Adds the library with the default <see cref="ByokOptions"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <returns>A builder to add key rings with.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IByokBuilder AddScalrByok(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddCore(services);
        return new ByokBuilder(services);
    }

    /// <summary>Adds the library with what a delegate makes of the default <see cref="ByokOptions"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options; validated at start.</param>
    /// <returns>A builder to add key rings with.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddScalrByok(this IServiceCollection services, Action<ByokOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        AddCore(services);
        services.Configure(configure);
        return new ByokBuilder(services);
    }

    /// <summary>Adds the library with <see cref="ByokOptions"/> from configuration.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The section that holds the options, for example <c>configuration.GetSection("Byok")</c>.</param>
    /// <returns>A builder to add key rings with.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddScalrByok(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        AddCore(services);
        services.AddBound<ByokOptions>(
            Microsoft.Extensions.Options.Options.DefaultName, configuration, SettingsShape.Options, static (section, options) => section.Bind(options));
        return new ByokBuilder(services);
    }

    private static void AddCore(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(KeyRingFactory)))
        {
            return;
        }

        services.AddOptions<StartChecks>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<StartChecks>, StartValidator>();
        services.AddSingleton(provider => new SettingsReadings(Logger<ByokOptions>(provider)));
        services.AddSingleton<ByokOptionsValidator>();
        services.AddSingleton<IPostConfigureOptions<ByokOptions>>(provider => provider.GetRequiredService<ByokOptionsValidator>());
        services.AddSingleton<IValidateOptions<ByokOptions>>(provider => provider.GetRequiredService<ByokOptionsValidator>());
        services.AddSingleton(provider => new KeySettingsValidator(
            provider.GetRequiredService<IOptions<ByokOptions>>(), provider.GetRequiredService<CredentialStrategies>, provider.GetRequiredService<SettingsReadings>()));
        services.AddSingleton<IValidateOptions<ByokKeySettings>>(provider => provider.GetRequiredService<KeySettingsValidator>());

        services.AddSingleton(provider => new AwsClientConfiguration(Options(provider).Endpoints, Options(provider).Resilience));
        services.AddSingleton(provider => new AwsPipeline(
            Options(provider).Resilience, Time(provider), provider.GetService<ResilienceReplacement>()?.Build));
        services.AddSingleton(provider => new AgeClock(Time(provider)));
        services.AddSingleton<KmsClients>();
        services.AddSingleton(provider => new SessionStarts(
            Options(provider).Resilience.MaxSessionStartsPerSecond, Options(provider).ConfirmationInterval, provider.GetRequiredService<AgeClock>()));
        services.AddSingleton(provider => new StsClients(
            provider.GetRequiredService<AwsClientConfiguration>(),
            HostCredentials(provider),
            provider.GetService<Func<AWSCredentials?, string, IAmazonSecurityTokenService>>()));
        services.AddSingleton(provider => new RoleSessions(
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<AwsPipeline>(),
            provider.GetRequiredService<SessionStarts>(),
            provider.GetRequiredService<AgeClock>(),
            Logger<RoleSessions>(provider)));
        services.AddSingleton<IByokCredentialStrategy, AccessKeysCredentialStrategy>();
        services.AddSingleton<IByokCredentialStrategy, AssumeRoleCredentialStrategy>();
        services.AddSingleton<IByokCredentialStrategy, OidcCredentialStrategy>();
        services.AddSingleton<CredentialStrategies>();
        services.AddSingleton(provider => new KeyRingFactory(
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<CredentialStrategies>(),
            provider.GetRequiredService<KmsClients>(),
            provider.GetRequiredService<AwsPipeline>(),
            provider.GetRequiredService<AgeClock>(),
            Logger<ByokKeyRing>(provider)));
        services.AddSingleton<IByokVerifier>(provider => new ByokVerifier(
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<KeySettingsValidator>(),
            provider.GetRequiredService<CredentialStrategies>(),
            provider.GetRequiredService<KeyRingFactory>(),
            Time(provider)));
    }

    /// <summary>Binds options to a configuration section, with a check of its shape, and follows its changes.</summary>
    internal static void AddBound<TOptions>(
        this IServiceCollection services, string name, IConfiguration configuration, SettingsShape shape, Action<IConfiguration, TOptions> bind)
        where TOptions : class
    {
        BoundSettings<TOptions> Create(IServiceProvider provider) => new(name, configuration, shape, bind, provider.GetRequiredService<SettingsReadings>());
        services.AddSingleton<IConfigureOptions<TOptions>>(Create);
        services.AddSingleton<IOptionsChangeTokenSource<TOptions>>(Create);
    }

    // The clock and the log are the host's if it has them. They are not registered here: whoever is first keeps the host's own AddLogging from taking effect.
    internal static TimeProvider Time(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;

    private static ILogger<T> Logger<T>(IServiceProvider provider) => provider.GetService<ILoggerFactory>()?.CreateLogger<T>() ?? NullLogger<T>.Instance;

    private static ByokOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<ByokOptions>>().Value;

    private static AWSCredentials? HostCredentials(IServiceProvider provider) =>
        (provider.GetService<HostCredentialsSource>(), Options(provider).HostIdentity) switch
        {
            ({ } source, _) => source.Create(provider),
            (_, { AccessKeyId.Length: > 0, SessionToken.Length: > 0 } host) =>
                new SessionAWSCredentials(host.AccessKeyId, host.SecretAccessKey, host.SessionToken),
            (_, { AccessKeyId.Length: > 0 } host) => new BasicAWSCredentials(host.AccessKeyId, host.SecretAccessKey),
            _ => null,
        };

    private sealed class ByokBuilder : IByokBuilder
    {
        public ByokBuilder(IServiceCollection services) => Services = services;

        public IServiceCollection Services { get; }
    }
}
