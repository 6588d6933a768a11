using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DependencyInjection;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms;

/// <summary>Adds key rings, credential strategies and token sources to <see cref="IByokBuilder"/>.</summary>
public static class ByokBuilderExtensions
{
    /// <summary>Adds the <see cref="IByokKeyRing"/> of one customer, with settings from code.</summary>
    /// <remarks>
    /// <para>
    /// The ring follows its settings while the host runs: when the configuration is reloaded, or another
    /// <see cref="IOptionsChangeTokenSource{TOptions}"/> of <see cref="ByokKeySettings"/> signals a change. New calls use the new settings,
    /// for example a rotated access key. Calls under way and open data keys finish with the old settings, so deactivate an old access key
    /// only when they have ended. After a change the caches are empty: each encryption context and data key in use costs one request to AWS
    /// KMS. A reload that does not change the ring's settings costs nothing. The <see cref="IByokKeyRing"/> stays the same object.
    /// </para>
    /// <para>
    /// Invalid new settings are logged as an error, and the old settings stay in use. The same applies to another
    /// <see cref="ByokKeySettings.KeyArn"/>, unless the old key is among <see cref="ByokKeySettings.PreviousKeys"/> or both are replicas of
    /// one key. After a restart, the settings are used as they are. <see cref="ByokOptions"/> are read once.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the customer's settings, which are validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">An unnamed key ring was already added.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, Action<ByokKeySettings> configure)
    {
        return AddRing(builder, Options.DefaultName, NotNull(configure));
    }

    /// <summary>Adds the <see cref="IByokKeyRing"/> of one customer, with settings from configuration.</summary>
    /// <inheritdoc cref="AddKeyRing(IByokBuilder, Action{ByokKeySettings})" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section with the customer's <see cref="ByokKeySettings"/>, which are validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">An unnamed key ring was already added.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, IConfiguration configuration)
    {
        return AddRing(builder, Options.DefaultName, NotNull(configuration));
    }

    /// <summary>Adds a customer's <see cref="IByokKeyRing"/> as a keyed service: <c>[FromKeyedServices("name")] IByokKeyRing</c>.</summary>
    /// <inheritdoc cref="AddKeyRing(IByokBuilder, Action{ByokKeySettings})" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The service key. Not empty.</param>
    /// <param name="configure">Sets the customer's settings, which are validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">A key ring with this name was already added.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, string name, Action<ByokKeySettings> configure)
    {
        return AddRing(builder, NotEmpty(name), NotNull(configure));
    }

    /// <summary>
    /// Adds a customer's <see cref="IByokKeyRing"/> from configuration as a keyed service: <c>[FromKeyedServices("name")] IByokKeyRing</c>.
    /// </summary>
    /// <inheritdoc cref="AddKeyRing(IByokBuilder, Action{ByokKeySettings})" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The service key. Not empty.</param>
    /// <param name="configuration">The section with the customer's <see cref="ByokKeySettings"/>, which are validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">A key ring with this name was already added.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, string name, IConfiguration configuration)
    {
        return AddRing(builder, NotEmpty(name), NotNull(configuration));
    }

    /// <summary>
    /// Adds <see cref="IByokKeyRingProvider"/>: the key rings of many customers, created on demand from the host's settings store.
    /// </summary>
    /// <remarks>
    /// Tenant names are case-sensitive: "ACME" and "acme" are two tenants. They cannot read each other's messages, and
    /// <see cref="IByokKeyRingProvider.Invalidate"/> affects only the named one. If the host's store is not case-sensitive, use the
    /// overload with a comparer. If the store implements <see cref="IByokTenantRegistrations"/>, no tenant can use the key or role of
    /// another.
    /// </remarks>
    /// <typeparam name="TStore">The store. Registered as a singleton; the last one added is used.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddTenantKeyRings<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStore>(
        this IByokBuilder builder)
        where TStore : class, IByokKeySettingsStore
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton<IByokKeySettingsStore, TStore>());
        builder.Services.TryAddSingleton(provider =>
        {
            // What rings with a role need. Made before the rings, so that the service provider disposes it after them.
            provider.GetRequiredService<StsClients>();
            provider.GetRequiredService<RoleSessions>();
            return new KeyRingProvider(
                provider.GetRequiredService<IByokKeySettingsStore>(),
                provider.GetRequiredService<KeySettingsValidator>(),
                provider.GetRequiredService<TenantOwnership>(),
                provider.GetRequiredService<PlatformKey>(),
                provider.GetRequiredService<KeyRingFactory>(),
                provider.GetRequiredService<IOptions<ByokOptions>>(),
                ByokServiceCollectionExtensions.Time(provider),
                provider.GetService<TenantNames>() ?? TenantNames.Exact,
                ByokServiceCollectionExtensions.Logger<IByokKeyRingProvider>(provider),
                provider.GetService<FleetSharing>());
        });
        builder.Services.TryAddSingleton<IByokKeyRingProvider>(provider => provider.GetRequiredService<KeyRingProvider>());
        return builder;
    }

    /// <summary>
    /// Adds <see cref="IByokKeyRingProvider"/> for a store in which several names mean the same tenant, such as "ACME" and "acme".
    /// </summary>
    /// <remarks>
    /// <para>
    /// All names that are equal by the comparer share one key ring, and <see cref="IByokKeyRingProvider.Invalidate"/> accepts any of them.
    /// The store, the health check and new messages (<c>scalr:tenant</c>) get the canonical name only. Messages with another spelling can
    /// be decrypted too.
    /// </para>
    /// <para>
    /// The canonical name must never change, neither between processes nor later: customers' policies may have conditions on
    /// <c>kms:EncryptionContext:scalr:tenant</c>.
    /// </para>
    /// </remarks>
    /// <typeparam name="TStore">The store. Registered as a singleton; the last one added is used.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="tenantComparer">
    /// Decides which names mean the same tenant, for example <see cref="StringComparer.OrdinalIgnoreCase"/>.
    /// </param>
    /// <param name="canonicalName">
    /// Returns the canonical name of a tenant, which must be equal to the given name by the comparer. Null: the name in lower case.
    /// </param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="tenantComparer"/> is null.</exception>
    public static IByokBuilder AddTenantKeyRings<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStore>(
        this IByokBuilder builder, IEqualityComparer<string> tenantComparer, Func<string, string>? canonicalName = null)
        where TStore : class, IByokKeySettingsStore
    {
        ArgumentNullException.ThrowIfNull(tenantComparer);
        AddTenantKeyRings<TStore>(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton(new TenantNames(tenantComparer, canonicalName ?? TenantNames.LowerCase)));
        return builder;
    }

    /// <summary>
    /// Adds the host's own KMS key, from configuration: for tenants of <c>AddTenantKeyRings</c> that have not brought a key.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A tenant uses it if, and only if, the host's store returns <see cref="ByokKeySettings.Platform"/> for the tenant. Nothing falls back
    /// to it: a tenant without settings, an error of the store and a denied customer's key throw as without it.
    /// </para>
    /// <para>
    /// <c>Credentials:Type</c> is <c>Host</c>: the host's own AWS identity signs the requests (<see cref="ByokOptions.HostIdentity"/>,
    /// <see cref="UseHostCredentials"/>, or the AWS SDK's default chain). It needs kms:Encrypt, kms:Decrypt and kms:DescribeKey on the key.
    /// The key's Region must be among <see cref="ByokOptions.AllowedRegions"/>; its account may be
    /// <see cref="ByokOptions.HostAccountId"/>. Customers' settings that name this key are validation errors.
    /// </para>
    /// <para>
    /// A tenant's messages under it are bound to the tenant (<c>scalr:tenant</c>), so tenants cannot read each other's messages. Each
    /// tenant has its own data keys, confirmations, circuit breakers and limits, and costs what a tenant with an access key costs; there is
    /// no call to AWS STS. A denial of the key is a <see cref="ByokServiceException"/> that is not transient, and findings have the owner
    /// <see cref="ByokKeyFindingOwner.Host"/>: no customer is told to act.
    /// </para>
    /// <para>
    /// The settings are validated at start and read once. To change the key, move the old one to <see cref="ByokKeySettings.PreviousKeys"/>
    /// and restart the host.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section with the <see cref="ByokKeySettings"/> of the host's key.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">A platform key was already added.</exception>
    public static IByokBuilder AddPlatformKey(this IByokBuilder builder, IConfiguration configuration)
    {
        NotNull(configuration);
        AddPlatform(builder);
        builder.Services.AddBound<PlatformSettings>(
            Options.DefaultName, configuration, SettingsShape.KeyRing, static (section, settings) => section.Bind(settings.Key));
        return builder;
    }

    /// <summary>
    /// Adds the host's own KMS key, with settings from code: for tenants of <c>AddTenantKeyRings</c> that have not brought a key.
    /// </summary>
    /// <inheritdoc cref="AddPlatformKey(IByokBuilder, IConfiguration)" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the settings of the host's key.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">A platform key was already added.</exception>
    public static IByokBuilder AddPlatformKey(this IByokBuilder builder, Action<ByokKeySettings> configure)
    {
        NotNull(configure);
        AddPlatform(builder);
        builder.Services.Configure<PlatformSettings>(settings => configure(settings.Key));
        return builder;
    }

    /// <summary>Adds a credentials type. It replaces a built-in one with the same <see cref="IByokCredentialStrategy.Type"/>.</summary>
    /// <remarks>The type <c>Host</c> is reserved for <c>AddPlatformKey</c>.</remarks>
    /// <typeparam name="T">The strategy. Registered as a singleton.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddCredentialStrategy<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IByokBuilder builder)
        where T : class, IByokCredentialStrategy
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IByokCredentialStrategy, T>();
        return builder;
    }

    /// <summary>Adds the source of the tokens for sessions of customers with Oidc credentials.</summary>
    /// <typeparam name="T">The host's issuer. Registered as a singleton; the last source added is used.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="subject">
    /// Returns the <c>sub</c> of a tenant's tokens (<see cref="OidcTokenRequest.Subject"/>), different for each tenant: at most 255
    /// characters, without <c>*</c>, <c>?</c> and <c>${</c>. Default (null): <c>account:</c> and the tenant's name. The customers' trust
    /// policies must name the same subject (<see cref="ByokPolicies.OidcTrustForSubject"/>).
    /// </param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddOidcTokens<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IByokBuilder builder, Func<string, string>? subject = null)
        where T : class, IOidcTokenProvider =>
        AddTokens(builder, ServiceDescriptor.Singleton<IOidcTokenProvider, T>(), subject);

    /// <summary>Adds a delegate as the source of the tokens for sessions of customers with Oidc credentials.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="getToken">
    /// Returns a new signed token for a request. Its <c>sub</c> must be the request's <see cref="OidcTokenRequest.Subject"/>.
    /// </param>
    /// <param name="getUnrelatedSubjectToken">
    /// Returns a token whose subject belongs to no customer. <see cref="IByokVerifier"/> tries with it whether a role accepts every
    /// customer of the host (<see cref="IOidcTokenProvider.GetUnrelatedSubjectTokenAsync"/>). Default: null (the issuer issues none).
    /// </param>
    /// <param name="subject">
    /// Returns the <c>sub</c> of a tenant's tokens, different for each tenant: at most 255 characters, without <c>*</c>, <c>?</c> and
    /// <c>${</c>. Default (null): <c>account:</c> and the tenant's name. The customers' trust policies must name the same subject
    /// (<see cref="ByokPolicies.OidcTrustForSubject"/>).
    /// </param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="getToken"/> is null.</exception>
    [OverloadResolutionPriority(1)] // so that an async lambda, which fits both overloads, is not ambiguous
    public static IByokBuilder AddOidcTokens(
        this IByokBuilder builder,
        Func<OidcTokenRequest, CancellationToken, ValueTask<string>> getToken,
        Func<OidcTokenRequest, CancellationToken, ValueTask<string?>>? getUnrelatedSubjectToken = null,
        Func<string, string>? subject = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IOidcTokenProvider tokens = new DelegateOidcTokenProvider(NotNull(getToken), getUnrelatedSubjectToken);
        return AddTokens(builder, ServiceDescriptor.Singleton(tokens), subject);
    }

    /// <summary>Adds delegates that return <see cref="Task{TResult}"/> as the source of the tokens for customers of type Oidc.</summary>
    /// <remarks>Both delegates return the same kind of task. An <c>async</c> lambda suits either overload.</remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="getToken">
    /// Returns a fresh signed token for a request. Its <c>sub</c> must be the request's <see cref="OidcTokenRequest.Subject"/>.
    /// </param>
    /// <param name="getUnrelatedSubjectToken">
    /// Returns a token whose subject belongs to no customer. Null, the default, if the issuer makes none.
    /// </param>
    /// <param name="subject">
    /// Returns the <c>sub</c> of a tenant's tokens, a different one for each tenant. Null, the default: <c>account:</c> and the tenant's
    /// name.
    /// </param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="getToken"/> is null.</exception>
    public static IByokBuilder AddOidcTokens(
        this IByokBuilder builder,
        Func<OidcTokenRequest, CancellationToken, Task<string>> getToken,
        Func<OidcTokenRequest, CancellationToken, Task<string?>>? getUnrelatedSubjectToken = null,
        Func<string, string>? subject = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(getToken);
        return AddOidcTokens(
            builder,
            (request, cancellationToken) => new ValueTask<string>(getToken(request, cancellationToken)),
            getUnrelatedSubjectToken is null
                ? null
                : (request, cancellationToken) => new ValueTask<string?>(getUnrelatedSubjectToken(request, cancellationToken)),
            subject);
    }

    /// <summary>
    /// Adds a file as the source of the tokens of one key ring: the only ring of <c>AddKeyRing</c> that uses Oidc and has no file of its
    /// own.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A file has one token with one subject, so it serves one key ring. If a second key ring of <c>AddKeyRing</c> uses Oidc, the start
    /// throws <see cref="OptionsValidationException"/>. For a tenant of <c>AddTenantKeyRings</c>, calls and verifications throw
    /// <see cref="ByokServiceException"/>: add a file for that tenant, or call <c>AddOidcTokens</c>.
    /// </para>
    /// <para>
    /// The file is read each time a session starts. A byte order mark and white space around the token are ignored. A missing or incomplete
    /// file is read up to four times within 0.4 seconds. After that, and if the token has expired, calls that need a new session throw
    /// <see cref="ByokServiceException"/>, and nothing is sent to AWS.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file, for example a projected Kubernetes service account token.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">
    /// A token file without a tenant was already added, or this file was added for a tenant.
    /// </exception>
    public static IByokBuilder AddOidcTokenFile(this IByokBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        NotEmpty(path);
        TokenFiles(builder).Add(path, tenant: null);
        return builder;
    }

    /// <summary>
    /// Adds a file as the source of one tenant's tokens. It is read as with <see cref="AddOidcTokenFile(IByokBuilder, string)"/>.
    /// </summary>
    /// <remarks>
    /// Call it once per tenant with a file. The writer of the file chose the token's subject. Only this tenant's trust policy may name that
    /// subject.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file.</param>
    /// <param name="tenant">
    /// The tenant of <c>AddTenantKeyRings</c>, or the name of the ring of <c>AddKeyRing</c>, that the file serves. Not empty.
    /// </param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> or <paramref name="tenant"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">The tenant already has a token file, or the file serves another tenant.</exception>
    public static IByokBuilder AddOidcTokenFile(this IByokBuilder builder, string path, string tenant)
    {
        ArgumentNullException.ThrowIfNull(builder);
        NotEmpty(path);
        NotEmpty(tenant);
        TokenFiles(builder).Add(path, tenant);
        return builder;
    }

    /// <summary>Adds a file as the source of the tokens of all key rings and tenants without a token file of their own.</summary>
    /// <remarks>
    /// <b>This makes the host a confused deputy, unless all key rings belong to one customer.</b> The token is the same for all tenants, so
    /// a role that trusts it trusts all of them. A tenant who types another tenant's key ARN, role ARN and audience encrypts and decrypts
    /// under the other's key, and "Test connection" passes. No trust policy prevents that. Use <c>AddOidcTokens</c> if tenants must
    /// not reach each other's keys.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    public static IByokBuilder AddSharedOidcTokenFile(this IByokBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        NotEmpty(path);
        TokenFiles(builder).Share(path);
        return builder;
    }

    /// <summary>
    /// Sets the host's own AWS identity, in place of <see cref="ByokOptions.HostIdentity"/> or the AWS SDK's default chain.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="create">Creates the credentials. Called once.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder UseHostCredentials(this IByokBuilder builder, Func<IServiceProvider, AWSCredentials> create)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton(new HostCredentialsSource(NotNull(create))));
        return builder;
    }

    /// <summary>
    /// Adds a receiver of audit records: one for each request about a customer's key that is sent to AWS. Default: none.
    /// </summary>
    /// <remarks>
    /// Each sink that is added gets each record. Without a sink, nothing is recorded, and the user agent has no id.
    /// </remarks>
    /// <typeparam name="TSink">The sink. Registered as a singleton.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddAuditSink<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TSink>(
        this IByokBuilder builder)
        where TSink : class, IByokAuditSink
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IByokAuditSink, TSink>();
        return builder;
    }

    /// <inheritdoc cref="AddAuditSink{TSink}(IByokBuilder)" path="/summary"/>
    /// <inheritdoc cref="AddAuditSink{TSink}(IByokBuilder)" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="sink">The sink. The host disposes it.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddAuditSink(this IByokBuilder builder, IByokAuditSink sink)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(NotNull(sink));
        return builder;
    }

    /// <inheritdoc cref="AddAuditSink{TSink}(IByokBuilder)" path="/summary"/>
    /// <inheritdoc cref="AddAuditSink{TSink}(IByokBuilder)" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="create">Creates the sink. Called once. The service provider disposes the result.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddAuditSink(this IByokBuilder builder, Func<IServiceProvider, IByokAuditSink> create)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(NotNull(create));
        return builder;
    }

    /// <summary>
    /// Adds an audit sink that writes each record to the log: event 70, level Information, category <c>Scalr.Byok.Kms.Audit</c>.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddAuditLog(this IByokBuilder builder) => AddAuditSink(
        builder,
        provider => new LogAuditSink(
            provider.GetService<ILoggerFactory>()?.CreateLogger(LogAuditSink.Category) ?? NullLogger.Instance));

    private static IByokBuilder AddRing(IByokBuilder builder, string name, Action<ByokKeySettings> configure)
    {
        AddRing(builder, name);
        builder.Services.Configure(name, configure);
        return builder;
    }

    private static IByokBuilder AddRing(IByokBuilder builder, string name, IConfiguration configuration)
    {
        AddRing(builder, name);
        builder.Services.AddBound<ByokKeySettings>(
            name, configuration, SettingsShape.KeyRing, static (section, settings) => section.Bind(settings));
        return builder;
    }

    private static void AddRing(IByokBuilder builder, string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Services.Any(service => service.ImplementationInstance is KeyRingRegistration ring && ring.Name == name))
        {
            throw new InvalidOperationException(name.Length == 0
                ? $"A key ring without a name was added before. Give each further one a name: {nameof(AddKeyRing)}(\"acme\", …)."
                : $"A key ring with the name '{name}' was added before. Give each key ring a name of its own.");
        }

        builder.Services.AddOptions();
        builder.Services.AddSingleton(new KeyRingRegistration(name));
        builder.Services.AddKeyedSingleton(name, (provider, _) => new ConfiguredRing(
            name,
            provider.GetRequiredService<IOptionsFactory<ByokKeySettings>>(),
            provider.GetServices<IOptionsChangeTokenSource<ByokKeySettings>>(),
            provider.GetRequiredService<SettingsReadings>(),
            provider.GetRequiredService<KeyRingFactory>,
            ByokServiceCollectionExtensions.Time(provider),
            ByokServiceCollectionExtensions.Logger<IByokKeyRing>(provider)));
        if (name.Length == 0)
        {
            builder.Services.AddSingleton<IByokKeyRing>(provider => provider.GetRequiredKeyedService<ConfiguredRing>(name).Open());
        }
        else
        {
            builder.Services.AddKeyedSingleton<IByokKeyRing>(
                name, (provider, _) => provider.GetRequiredKeyedService<ConfiguredRing>(name).Open());
        }
    }

    private static void AddPlatform(IByokBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Services.Any(service => service.ServiceType == typeof(PlatformKeyRegistration)))
        {
            throw new InvalidOperationException(
                "A platform key was added before. A host has one: to change it, move the old key to PreviousKeys of its section.");
        }

        builder.Services.AddOptions();
        builder.Services.AddSingleton(new PlatformKeyRegistration());
    }

    private static IByokBuilder AddTokens(IByokBuilder builder, ServiceDescriptor tokens, Func<string, string>? subject)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(tokens);
        builder.Services.RemoveAll<OidcTokenFiles>();
        builder.Services.RemoveAll<SubjectMapping>();
        if (subject is not null)
        {
            builder.Services.AddSingleton(new SubjectMapping(subject));
        }

        return builder;
    }

    /// <summary>The token files added so far.</summary>
    private static OidcTokenFiles TokenFiles(IByokBuilder builder)
    {
        if (builder.Services.Select(service => service.ImplementationInstance).OfType<OidcTokenFiles>().SingleOrDefault() is { } files)
        {
            return files;
        }

        files = new OidcTokenFiles();
        AddTokens(
            builder,
            ServiceDescriptor.Singleton<IOidcTokenProvider>(provider => new FileOidcTokenProvider(
                files, provider.GetRequiredService<HostRings>(), ByokServiceCollectionExtensions.Time(provider))),
            subject: null);
        builder.Services.AddSingleton(files);
        return files;
    }

    private static T NotNull<T>(T? value, [CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return value;
    }

    private static string NotEmpty(string? value, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value, name);
        return value;
    }
}
