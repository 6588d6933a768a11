using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Binds options to a configuration section, after a check of its shape.</summary>
/// <typeparam name="TOptions">The options.</typeparam>
internal sealed class BoundSettings<TOptions> : IConfigureNamedOptions<TOptions>, IOptionsChangeTokenSource<TOptions>
    where TOptions : class
{
    private readonly IConfiguration _configuration;
    private readonly SettingsShape _shape;
    private readonly Action<IConfiguration, TOptions> _bind;
    private readonly SettingsReadings _readings;

    /// <param name="name">The options' name.</param>
    /// <param name="configuration">The section.</param>
    /// <param name="shape">The settings that the section may have.</param>
    /// <param name="bind">The configuration binder. A delegate, because its source generator needs the type.</param>
    /// <param name="readings">Records what was read.</param>
    public BoundSettings(
        string name, IConfiguration configuration, SettingsShape shape, Action<IConfiguration, TOptions> bind, SettingsReadings readings)
    {
        Name = name;
        _configuration = configuration;
        _shape = shape;
        _bind = bind;
        _readings = readings;
    }

    public string Name { get; }

    public void Configure(string? name, TOptions options)
    {
        if (name == Name)
        {
            var reading = SettingsReader.Read(_configuration, _shape);
            _bind(reading.Tree, options);
            _readings.Add(options, reading);
        }
    }

    public void Configure(TOptions options) => Configure(Options.DefaultName, options);

    public IChangeToken GetChangeToken() => new ReloadToken(_configuration.GetReloadToken());

    /// <summary>
    /// A reload token whose listeners cannot fail the reload. The key ring logs invalid settings, and the options monitor throws them to
    /// its callers.
    /// </summary>
    private sealed class ReloadToken(IChangeToken token) : IChangeToken
    {
        public bool HasChanged => token.HasChanged;

        public bool ActiveChangeCallbacks => token.ActiveChangeCallbacks;

        public IDisposable RegisterChangeCallback(Action<object?> callback, object? state) => token.RegisterChangeCallback(
            changed =>
            {
                try
                {
                    callback(changed);
                }
                catch (OptionsValidationException)
                {
                }
            },
            state);
    }
}
