using System.Diagnostics.CodeAnalysis;
using Amazon.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DependencyInjection;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms;

/// <summary>Adds key rings, credential strategies and token sources to <see cref="IByokBuilder"/>.</summary>
public static class ByokBuilderExtensions
{
    /// <summary>Adds one customer's <see cref="IByokKeyRing"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Fills in the customer's settings; validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">A key ring without a name was added before.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, Action<ByokKeySettings> configure)
    {
        return AddRing(builder, Options.DefaultName, NotNull(configure));
    }

    /// <summary>Adds one customer's <see cref="IByokKeyRing"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section that holds the customer's <see cref="ByokKeySettings"/>; validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">A key ring without a name was added before.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, IConfiguration configuration)
    {
        return AddRing(builder, Options.DefaultName, NotNull(configuration));
    }

    /// <summary>Adds a customer's <see cref="IByokKeyRing"/> as a keyed service: <c>[FromKeyedServices("name")] IByokKeyRing</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The service key.</param>
    /// <param name="configure">Fills in the customer's settings; validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">A key ring with this name was added before.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, string name, Action<ByokKeySettings> configure)
    {
        return AddRing(builder, NotEmpty(name), NotNull(configure));
    }

    /// <summary>Adds a customer's <see cref="IByokKeyRing"/> from configuration as a keyed service: <c>[FromKeyedServices("name")] IByokKeyRing</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The service key.</param>
    /// <param name="configuration">The section that holds the customer's <see cref="ByokKeySettings"/>; validated at start.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">A key ring with this name was added before.</exception>
    public static IByokBuilder AddKeyRing(this IByokBuilder builder, string name, IConfiguration configuration)
    {
        return AddRing(builder, NotEmpty(name), NotNull(configuration));
    }

    /// <summary>Adds <see cref="IByokKeyRingProvider"/>: the key rings of many customers, made on demand from the host's store of settings.</summary>
    /// <remarks>
    /// Tenant names are case-sensitive: "ACME" and "acme" are two tenants, which cannot read each other's messages, and <see cref="IByokKeyRingProvider.Invalidate"/> reaches only the
    /// one it names. A host whose store is not case-sensitive uses the overload with a comparer.
    /// </remarks>
    /// <typeparam name="TStore">The store; a singleton. The last one added is used.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddKeyRings<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStore>(
        this IByokBuilder builder)
        where TStore : class, IByokKeySettingsStore
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton<IByokKeySettingsStore, TStore>());
        builder.Services.TryAddSingleton(provider => new KeyRingProvider(
            provider.GetRequiredService<IByokKeySettingsStore>(),
            provider.GetRequiredService<KeySettingsValidator>(),
            provider.GetRequiredService<KeyRingFactory>(),
            provider.GetRequiredService<IOptions<ByokOptions>>(),
            ByokServiceCollectionExtensions.Time(provider),
            provider.GetService<TenantNames>() ?? TenantNames.Exact));
        builder.Services.TryAddSingleton<IByokKeyRingProvider>(provider => provider.GetRequiredService<KeyRingProvider>());
        return builder;
    }

    /// <summary>Adds <see cref="IByokKeyRingProvider"/> for a store in which several names mean one tenant, such as "ACME" and "acme".</summary>
    /// <remarks>
    /// <para>
    /// All names that are equal by the comparer reach one key ring, and <see cref="IByokKeyRingProvider.Invalidate"/> with any of them reaches it. The store, the health check and new
    /// messages (<c>scalr:tenant</c>) get the canonical name only. Messages that name the tenant in another spelling open as well.
    /// </para>
    /// <para>
    /// The canonical name must never change: not between processes, and not later. A customer's policy with a condition on <c>kms:EncryptionContext:scalr:tenant</c> names it.
    /// </para>
    /// </remarks>
    /// <typeparam name="TStore">The store; a singleton. The last one added is used.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="tenantComparer">Says which names mean one tenant, for example <see cref="StringComparer.OrdinalIgnoreCase"/>.</param>
    /// <param name="canonicalName">Returns the canonical name of a tenant, which must be equal to the given name by the comparer. Null: the name in lower case.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="tenantComparer"/> is null.</exception>
    public static IByokBuilder AddKeyRings<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStore>(
        this IByokBuilder builder, IEqualityComparer<string> tenantComparer, Func<string, string>? canonicalName = null)
        where TStore : class, IByokKeySettingsStore
    {
        ArgumentNullException.ThrowIfNull(tenantComparer);
        AddKeyRings<TStore>(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton(new TenantNames(tenantComparer, canonicalName ?? TenantNames.LowerCase)));
        return builder;
    }

    /// <summary>Adds a kind of credentials. One of the same <see cref="IByokCredentialStrategy.Type"/> as a built-in one takes its place.</summary>
    /// <typeparam name="T">The strategy; a singleton.</typeparam>
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

    /// <summary>Adds the source of the tokens that Oidc customers' sessions begin with.</summary>
    /// <typeparam name="T">The host's issuer; a singleton.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddWebIdentityTokens<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IByokBuilder builder)
        where T : class, IWebIdentityTokenProvider
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton<IWebIdentityTokenProvider, T>());
        return builder;
    }

    /// <summary>Adds a delegate as the source of the tokens that Oidc customers' sessions begin with.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="getToken">Takes the audience and returns a fresh signed token.</param>
    /// <param name="getStrangerToken">
    /// Takes the audience and returns a token whose subject belongs to no customer, with which <see cref="IByokVerifier"/> tries whether a role admits
    /// every customer of the host (<see cref="IWebIdentityTokenProvider.GetStrangerTokenAsync"/>). Null, the default, if the issuer makes none.
    /// </param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="getToken"/> is null.</exception>
    public static IByokBuilder AddWebIdentityTokens(
        this IByokBuilder builder,
        Func<string, CancellationToken, ValueTask<string>> getToken,
        Func<string, CancellationToken, ValueTask<string?>>? getStrangerToken = null) =>
        AddTokens(builder, new DelegateWebIdentityTokenProvider(NotNull(getToken), getStrangerToken));

    /// <summary>Adds a file as the source of the tokens that Oidc customers' sessions begin with; it is read anew each time.</summary>
    /// <remarks>The file holds one token, whose audience is whatever its writer chose: of use where all customers register the same audience.</remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file, for example a projected Kubernetes service account token.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    public static IByokBuilder AddWebIdentityTokenFile(this IByokBuilder builder, string path) =>
        AddTokens(builder, new FileWebIdentityTokenProvider(NotEmpty(path)));

    /// <summary>Says what the host's own AWS identity is, instead of <see cref="ByokOptions.HostIdentity"/> or the AWS SDK's default chain.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="create">Makes the credentials; called once.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder UseHostCredentials(this IByokBuilder builder, Func<IServiceProvider, AWSCredentials> create)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton(new HostCredentialsSource(NotNull(create))));
        return builder;
    }

    private static IByokBuilder AddRing(IByokBuilder builder, string name, Action<ByokKeySettings> configure)
    {
        AddRing(builder, name);
        builder.Services.Configure(name, configure);
        return builder;
    }

    private static IByokBuilder AddRing(IByokBuilder builder, string name, IConfiguration configuration)
    {
        AddRing(builder, name);
        builder.Services.AddBound<ByokKeySettings>(name, configuration, SettingsShape.KeyRing, static (section, settings) => section.Bind(settings));
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
        if (name.Length == 0)
        {
            builder.Services.AddSingleton<IByokKeyRing>(provider => CreateRing(provider, name));
        }
        else
        {
            builder.Services.AddKeyedSingleton<IByokKeyRing>(name, (provider, _) => CreateRing(provider, name));
        }
    }

    private static TracedKeyRing CreateRing(IServiceProvider provider, string name) =>
        provider.GetRequiredService<KeyRingFactory>().Create(provider.GetRequiredService<IOptionsMonitor<ByokKeySettings>>().Get(name));

    private static IByokBuilder AddTokens(IByokBuilder builder, IWebIdentityTokenProvider tokens)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton(tokens));
        return builder;
    }

    private static T NotNull<T>(T? value, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return value;
    }

    private static string NotEmpty(string? value, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(value))] string? name = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value, name);
        return value;
    }
}
