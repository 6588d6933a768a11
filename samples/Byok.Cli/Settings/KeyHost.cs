using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;

namespace Byok.Cli.Settings;

/// <summary>The library, set up as a host of one customer would.</summary>
internal sealed class KeyHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private KeyHost(ServiceProvider services) => _services = services;

    /// <summary>The customer's key ring.</summary>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The settings are wrong.</exception>
    public IByokKeyRing Ring => _services.GetRequiredService<IByokKeyRing>();

    /// <summary>Tries settings, right or wrong.</summary>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The host's own options are wrong.</exception>
    public IByokVerifier Verifier => _services.GetRequiredService<IByokVerifier>();

    /// <exception cref="UsageException">There is no token for credentials of type Oidc.</exception>
    public static KeyHost Open(KeySettings settings)
    {
        var services = new ServiceCollection();
        var byok = services.AddScalrByok(settings.Host).AddKeyRing(key => Copy(settings.Key, key));
        services.Configure<ByokOptions>(options => Apply(settings, options));
        if (settings.TokenFile is { Length: > 0 } path)
        {
            byok.AddWebIdentityTokenFile(path);
        }
        else if (settings.IsOfType(ByokCredentialSettings.OidcType))
        {
            throw new UsageException("Credentials of type Oidc need a token: give --token-file, or TokenFile in the settings file or the environment.");
        }

        return new KeyHost(services.BuildServiceProvider());
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static void Copy(ByokKeySettings from, ByokKeySettings to) =>
        (to.KeyArn, to.Credentials, to.ReplicaRegions, to.PreviousKeys) = (from.KeyArn, from.Credentials, from.ReplicaRegions, from.PreviousKeys);

    private static void Apply(KeySettings settings, ByokOptions options)
    {
        if (settings.AllowedRegions.Count > 0)
        {
            options.AllowedRegions = [.. settings.AllowedRegions];
        }

        if (settings.Endpoint is { } endpoint)
        {
            options.Endpoints.Kms = new Dictionary<string, Uri> { [ByokEndpoints.AnyRegion] = endpoint };
            options.Endpoints.Sts = new Dictionary<string, Uri> { [ByokEndpoints.AnyRegion] = endpoint };
        }
    }
}
