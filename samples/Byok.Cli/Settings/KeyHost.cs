using Byok.Cli.Output;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms;

namespace Byok.Cli.Settings;

/// <summary>
/// The library, set up as a host of one customer would. The library reads the settings, and its warnings about them go to standard error.
/// </summary>
internal sealed class KeyHost : IAsyncDisposable
{
    private readonly KeySettings _settings;
    private readonly ServiceProvider _services;
    private ByokKeySettings? _key;

    private KeyHost(KeySettings settings, ServiceProvider services)
    {
        _settings = settings;
        _services = services;
    }

    /// <summary>The customer's settings as far as they could be read, without a check whether they are complete.</summary>
    public ByokKeySettings Key => _key ??= ReadKey();

    /// <summary>The host's options.</summary>
    /// <exception cref="OptionsValidationException">They are invalid.</exception>
    public ByokOptions Host => _services.GetRequiredService<IOptions<ByokOptions>>().Value;

    /// <summary>The customer's key ring.</summary>
    /// <exception cref="OptionsValidationException">The options or the settings are invalid.</exception>
    public IByokKeyRing Ring
    {
        get
        {
            _services.GetRequiredService<IStartupValidator>().Validate(); // all errors in one exception, as at a host's start
            return _services.GetRequiredService<IByokKeyRing>();
        }
    }

    /// <summary>Verifies settings, valid or not.</summary>
    /// <exception cref="OptionsValidationException">The host's own options are invalid.</exception>
    public IByokVerifier Verifier => _services.GetRequiredService<IByokVerifier>();

    /// <param name="context">The context of the command. Warnings go to its standard error.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="tenant">
    /// The tenant that a verification is for; null for none. The token file, which is the caller's own, then serves that tenant.
    /// </param>
    public static KeyHost Open(CliContext context, KeySettings settings, string? tenant = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(new SettingsWarnings(context.Terminal));
        var byok = services.AddScalrByok(settings.Configuration.GetSection(KeySettings.HostSection))
            .AddKeyRing(settings.Configuration.GetSection(KeySettings.KeySection));
        if (settings.TokenFile is { Length: > 0 } path)
        {
            _ = tenant is null ? byok.AddOidcTokenFile(path) : byok.AddOidcTokenFile(path, tenant);
        }

        return new KeyHost(settings, services.BuildServiceProvider());
    }

    /// <summary>The customer's settings for a policy, which needs few of them.</summary>
    /// <exception cref="OptionsValidationException">A setting that policies use has a form that the library does not read.</exception>
    public ByokKeySettings ReadForPolicy()
    {
        const string credentials = KeySettings.CredentialsSection, key = KeySettings.KeySection;
        string?[] candidates =
        [
            IsText(key) ? key : null,
            IsText(credentials) ? credentials : null,
            Key.KeyArn is null ? $"{key}:{nameof(ByokKeySettings.KeyArn)}" : null,
            Key.ReplicaRegions is not { Count: > 0 } ? $"{key}:{nameof(ByokKeySettings.ReplicaRegions)}" : null,
            Key.Credentials.ExternalId is null ? $"{credentials}:{nameof(ByokCredentialSettings.ExternalId)}" : null,
            Key.Credentials.Audience is null ? $"{credentials}:{nameof(ByokCredentialSettings.Audience)}" : null,
        ];
        var unread = candidates.OfType<string>().Where(IsThere).ToList();
        var failures = _services.GetServices<IValidateOptions<ByokKeySettings>>()
            .SelectMany(validator => validator.Validate(Options.DefaultName, Key).Failures ?? [])
            .Where(failure => unread.Any(path => failure.StartsWith($"{path} ", StringComparison.Ordinal)))
            .ToList();
        return failures.Count == 0 ? Key : throw new OptionsValidationException(Options.DefaultName, typeof(ByokKeySettings), failures);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private bool IsThere(string path) => _settings.Configuration.GetSection(path).Exists();

    private bool IsText(string path) => !string.IsNullOrEmpty(_settings.Configuration[path]);

    private ByokKeySettings ReadKey()
    {
        var key = new ByokKeySettings();
        foreach (var configure in _services.GetServices<IConfigureOptions<ByokKeySettings>>())
        {
            configure.Configure(key);
        }

        return key;
    }
}
