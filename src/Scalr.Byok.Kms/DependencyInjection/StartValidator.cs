using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>Validates the options and the settings of all key rings at start. Throws one exception for all errors.</summary>
internal sealed class StartValidator : IValidateOptions<StartChecks>
{
    private readonly IOptionsMonitor<ByokOptions> _options;
    private readonly IEnumerable<KeyRingRegistration> _registrations;
    private readonly IServiceProvider _services;
    private readonly HostRings _hostRings;
    private readonly PlatformKey _platform;
    private readonly OidcTokenFiles? _tokenFiles;

    public StartValidator(
        IOptionsMonitor<ByokOptions> options,
        IEnumerable<KeyRingRegistration> registrations,
        IServiceProvider services,
        HostRings hostRings,
        PlatformKey platform,
        IEnumerable<OidcTokenFiles> tokenFiles)
    {
        _hostRings = hostRings;
        _platform = platform;
        _tokenFiles = tokenFiles.SingleOrDefault();
        _options = options;
        _registrations = registrations;
        _services = services;
    }

    /// <exception cref="OptionsValidationException">There are validation errors.</exception>
    /// <exception cref="ByokServiceException">An audit sink cannot be created.</exception>
    public ValidateOptionsResult Validate(string? name, StartChecks options)
    {
        var errors = new List<OptionsValidationException>();
        Try(() => _ = _options.CurrentValue, errors);
        Try(_platform.Start, errors);
        Try(() => _ = _services.GetService(typeof(FleetSharing)), errors);

        // Before the rings, so that the service provider disposes the sinks after them.
        var sinks = StartSinks();
        foreach (var ring in _registrations)
        {
            Try(() => _services.GetKeyedService<ConfiguredRing>(ring.Name)?.Start(), errors);
        }

        if (errors.Count == 0 && TokenFileErrors().ToList() is { Count: > 0 } failures)
        {
            errors.Add(new OptionsValidationException(Options.DefaultName, typeof(ByokKeySettings), failures));
        }

        return errors switch
        {
            [] when sinks is not null => throw sinks,
            [] => ValidateOptionsResult.Success,
            [var one] => throw one,
            _ => throw new OptionsValidationException(
                errors[0].OptionsName, errors[0].OptionsType, errors.SelectMany(error => error.Failures).Distinct()),
        };
    }

    private ByokServiceException? StartSinks()
    {
        try
        {
            if (ByokServiceCollectionExtensions.HasSinks(_services))
            {
                _services.GetRequiredService<AuditSinks>().Start();
            }

            return null;
        }
        catch (ByokServiceException error)
        {
            // Invalid options may be the cause, and are reported first.
            return error;
        }
    }

    private IEnumerable<string> TokenFileErrors() =>
        from ring in _tokenFiles is null ? [] : _hostRings.UsingOidc()
        let error = _tokenFiles!.Find(RingOwner.Ring(ring), _hostRings).Error
        where error is not null
        select $"{(ring.Length == 0 ? "Key ring" : $"Key ring '{ring}'")}: Credentials:Type is Oidc, but the host {error}.";

    private static void Try(Action read, List<OptionsValidationException> errors)
    {
        try
        {
            read();
        }
        catch (OptionsValidationException error)
        {
            errors.Add(error);
        }
    }
}
