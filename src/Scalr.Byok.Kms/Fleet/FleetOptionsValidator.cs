using System.Globalization;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.Fleet;

/// <summary>Reports all validation errors of <see cref="ByokFleetOptions"/>. No message contains a secret.</summary>
internal sealed class FleetOptionsValidator : IValidateOptions<ByokFleetOptions>
{
    private const int ShortestSecret = 32;

    private static readonly TimeSpan LargestTolerance = TimeSpan.FromMinutes(1);

    private readonly IOptions<ByokOptions> _options;
    private readonly SettingsReadings _readings;
    private readonly IServiceProviderIsService _services;

    public FleetOptionsValidator(IOptions<ByokOptions> options, SettingsReadings readings, IServiceProviderIsService services)
    {
        _options = options;
        _readings = readings;
        _services = services;
    }

    public ValidateOptionsResult Validate(string? name, ByokFleetOptions options)
    {
        var texts = FindErrors(options);
        var errors = (_readings.Of(options)?.Complete(texts) ?? texts).ToList();
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private IEnumerable<string> FindErrors(ByokFleetOptions options)
    {
        if (!_services.IsService(typeof(IDistributedCache)))
        {
            yield return "ShareConfirmations needs an IDistributedCache that all instances use. Add one before the host is built, for "
                + "example with AddStackExchangeRedisCache.";
        }

        var secrets = options.Secrets ?? [];
        if (secrets.Count == 0)
        {
            yield return "Secrets is missing. It must have at least one secret: Base64 of 32 or more random bytes, the same in all "
                + "instances. Create one with: openssl rand -base64 32";
        }

        for (var i = 0; i < secrets.Count; i++)
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"Secrets:{i}");
            if (!IsLongEnough(secrets[i]))
            {
                yield return $"{place} is not Base64 of 32 or more bytes. Create one with: openssl rand -base64 32";
            }
            else if (secrets.IndexOf(secrets[i]) < i)
            {
                yield return $"{place} is the same as an earlier one.";
            }
        }

        if (options.ClockTolerance < TimeSpan.Zero || options.ClockTolerance > LargestTolerance)
        {
            yield return $"ClockTolerance is {options.ClockTolerance}; it must be 0 to 1 minute.";
        }
        else if (_options.Value.ConfirmationInterval <= 2 * options.ClockTolerance)
        {
            yield return $"ClockTolerance is {options.ClockTolerance}; ConfirmationInterval, which is "
                + $"{_options.Value.ConfirmationInterval}, must be longer than twice this time.";
        }
    }

    private static bool IsLongEnough(string? secret)
    {
        var bytes = new byte[secret?.Length ?? 0];
        var isBase64 = Convert.TryFromBase64String(secret ?? "", bytes, out var length);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
        return isBase64 && length >= ShortestSecret;
    }
}
