using System.Diagnostics.CodeAnalysis;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DependencyInjection;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Health;
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
    /// <returns>A builder to add key rings to.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IByokBuilder AddScalrByok(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddCore(services);
        return new ByokBuilder(services);
    }

    /// <summary>Adds the library with <see cref="ByokOptions"/> from code.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options, which are validated at start.</param>
    /// <returns>A builder to add key rings to.</returns>
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
    /// <param name="configuration">The section with the options, for example <c>configuration.GetSection("Byok")</c>.</param>
    /// <returns>A builder to add key rings to.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddScalrByok(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        AddCore(services);
        services.AddBound<ByokOptions>(
            Microsoft.Extensions.Options.Options.DefaultName,
            configuration,
            SettingsShape.Options,
            static (section, options) =>
            {
                // The binder would add to the list. A Region that only code allowed must not stay allowed.
                if (section.GetSection(nameof(ByokOptions.AllowedRegions)).GetChildren().Any())
                {
                    options.AllowedRegions = [];
                }

                section.Bind(options);
            });
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
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<CredentialStrategies>,
            provider.GetRequiredService<SettingsReadings>(),
            provider.GetRequiredService<PlatformKey>));
        services.AddSingleton(provider => new PlatformKey(
            provider.GetService<PlatformKeyRegistration>() is null ? null : provider.GetRequiredService<IOptions<PlatformSettings>>(),
            provider.GetRequiredService<KeySettingsValidator>));
        services.AddSingleton<IValidateOptions<ByokKeySettings>>(provider => provider.GetRequiredService<KeySettingsValidator>());

        services.AddSingleton(provider => new AwsClientConfiguration(
            Options(provider).Endpoints, Options(provider).Resilience, provider.GetService<AwsTime>()));
        services.AddSingleton(provider => new AwsPipeline(
            Options(provider).Resilience, Time(provider), provider.GetService<ResilienceReplacement>()?.Build));
        services.AddSingleton(provider => new AgeClock(Time(provider)));
        services.AddSingleton(provider => provider.GetService<Func<string, IAmazonKeyManagementService>>() is { } create
            ? new KmsClients(create)
            : new KmsClients(provider.GetRequiredService<AwsClientConfiguration>()));
        services.AddSingleton(provider => new SessionStarts(
            Options(provider).Resilience.MaxSessionStartsPerSecond,
            Options(provider).ConfirmationInterval,
            provider.GetRequiredService<AgeClock>()));
        services.AddSingleton(provider => new HostCredentials(CreateHostCredentials(provider)));
        services.AddSingleton(provider => new StsClients(
            provider.GetRequiredService<AwsClientConfiguration>(),
            provider.GetRequiredService<HostCredentials>(),
            provider.GetService<Func<AWSCredentials?, string, IAmazonSecurityTokenService>>()));
        services.AddSingleton(provider => new RoleSessions(
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<AwsPipeline>(),
            provider.GetRequiredService<SessionStarts>(),
            provider.GetRequiredService<AgeClock>(),
            Logger<RoleSessions>(provider)));
        services.AddSingleton<IByokCredentialStrategy, AccessKeysCredentialStrategy>();
        services.AddSingleton(provider => new OidcSubjects(
            provider.GetRequiredService<HostRings>().Names, provider.GetService<SubjectMapping>()?.Map));
        services.AddSingleton<IByokCredentialStrategy>(provider => new AssumeRoleCredentialStrategy(
            Later<StsClients>(provider), Later<RoleSessions>(provider)));
        services.AddSingleton<IByokCredentialStrategy>(provider => new OidcCredentialStrategy(
            Later<StsClients>(provider),
            Later<RoleSessions>(provider),
            Later<OidcSubjects>(provider),
            Time(provider),
            provider.GetService<IOidcTokenProvider>()));
        services.AddSingleton<CredentialStrategies>();
        services.AddSingleton(provider => new AuditSinks(
            provider.GetServices<IByokAuditSink>, Time(provider), Logger<IByokAuditSink>(provider)));
        services.AddSingleton(provider => new KeyRingFactory(
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<CredentialStrategies>(),
            provider.GetRequiredService<HostCredentials>(),
            provider.GetRequiredService<KmsClients>(),
            provider.GetRequiredService<AwsPipeline>(),
            provider.GetRequiredService<AgeClock>(),
            Logger<ByokKeyRing>(provider),
            HasSinks(provider) ? provider.GetRequiredService<AuditSinks>() : null,
            provider.GetService<KeyEvents>(),
            provider.GetService<FleetSharing>()));
        services.AddSingleton(provider => new TenantOwnership(
            provider.GetService<IByokTenantRegistrations>() ?? provider.GetService<IByokKeySettingsStore>() as IByokTenantRegistrations,
            provider.GetService<TenantNames>() ?? TenantNames.Exact,
            Options(provider)));
        services.AddSingleton<IByokVerifier>(provider => new ByokVerifier(
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            provider.GetRequiredService<KeySettingsValidator>(),
            provider.GetRequiredService<CredentialStrategies>(),
            provider.GetRequiredService<KeyRingFactory>(),
            provider.GetRequiredService<HostRings>(),
            provider.GetRequiredService<TenantOwnership>(),
            Time(provider)));
        services.AddSingleton(provider => new HostRings(
            provider.GetServices<KeyRingRegistration>().Select(ring => ring.Name),
            hasTenants: provider.GetRequiredService<IServiceProviderIsService>().IsService(typeof(IByokKeyRingProvider)),
            provider.GetService<TenantNames>() ?? TenantNames.Exact,
            name => provider.GetRequiredKeyedService<ConfiguredRing>(name).Settings));
    }

    /// <summary>Binds options to a configuration section after a check of its shape, and follows its changes.</summary>
    internal static void AddBound<TOptions>(
        this IServiceCollection services,
        string name,
        IConfiguration configuration,
        SettingsShape shape,
        Action<IConfiguration, TOptions> bind)
        where TOptions : class
    {
        BoundSettings<TOptions> Create(IServiceProvider provider) =>
            new(name, configuration, shape, bind, provider.GetRequiredService<SettingsReadings>());
        services.AddSingleton<IConfigureOptions<TOptions>>(Create);
        services.AddSingleton<IOptionsChangeTokenSource<TOptions>>(Create);
    }

    // Uses the host's clock and log, if there are any. They are not registered here: the first registration would replace the host's
    // AddLogging.
    internal static TimeProvider Time(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;

    internal static ILogger<T> Logger<T>(IServiceProvider provider) =>
        provider.GetService<ILoggerFactory>()?.CreateLogger<T>() ?? NullLogger<T>.Instance;

    // PublicationOnly: an exception about invalid options is not kept.
    private static Lazy<T> Later<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>(
        IServiceProvider provider)
        where T : class => new(provider.GetRequiredService<T>, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Whether the host has added an audit sink. Creates none, unless the container cannot answer otherwise.</summary>
    internal static bool HasSinks(IServiceProvider provider) => provider.GetService<IServiceProviderIsService>() is { } services
        ? services.IsService(typeof(IByokAuditSink))
        : provider.GetServices<IByokAuditSink>().Any();

    private static ByokOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<ByokOptions>>().Value;

    private static AWSCredentials? CreateHostCredentials(IServiceProvider provider) =>
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
