using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Health;

namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>Validates the options and the settings of all key rings when the host starts, and throws one exception for all of them.</summary>
internal sealed class StartValidator : IValidateOptions<StartChecks>
{
    private readonly IOptionsMonitor<ByokOptions> _options;
    private readonly IOptionsMonitor<ByokKeySettings> _rings;
    private readonly IEnumerable<KeyRingRegistration> _registrations;

    public StartValidator(IOptionsMonitor<ByokOptions> options, IOptionsMonitor<ByokKeySettings> rings, IEnumerable<KeyRingRegistration> registrations)
    {
        _options = options;
        _rings = rings;
        _registrations = registrations;
    }

    /// <exception cref="OptionsValidationException">Something is wrong.</exception>
    public ValidateOptionsResult Validate(string? name, StartChecks options)
    {
        var errors = new List<OptionsValidationException>();
        Try(() => _options.CurrentValue, errors);
        foreach (var ring in _registrations)
        {
            Try(() => _rings.Get(ring.Name), errors);
        }

        return errors switch
        {
            [] => ValidateOptionsResult.Success,
            [var one] => throw one,
            _ => throw new OptionsValidationException(errors[0].OptionsName, errors[0].OptionsType, errors.SelectMany(error => error.Failures)),
        };
    }

    private static void Try(Func<object> read, List<OptionsValidationException> errors)
    {
        try
        {
            _ = read();
        }
        catch (OptionsValidationException error)
        {
            errors.Add(error);
        }
    }
}
