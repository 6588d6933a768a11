using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Sets defaults for empty or null options, and reports all validation errors of the operator's options.</summary>
internal sealed class ByokOptionsValidator : IPostConfigureOptions<ByokOptions>, IValidateOptions<ByokOptions>
{
    private static readonly string[] DefaultRegions = ["us-east-1", "us-east-2"];

    private readonly SettingsReadings _readings;

    public ByokOptionsValidator(SettingsReadings readings) => _readings = readings;

    public void PostConfigure(string? name, ByokOptions options)
    {
        if (options.AllowedRegions is not { Count: > 0 })
        {
            options.AllowedRegions = [.. DefaultRegions];
        }

        options.HostIdentity ??= new ByokHostIdentity();
        options.Endpoints ??= new ByokEndpoints();
        options.Endpoints.Kms ??= new Dictionary<string, Uri>();
        options.Endpoints.Sts ??= new Dictionary<string, Uri>();
    }

    public ValidateOptionsResult Validate(string? name, ByokOptions options)
    {
        _readings.NoteIgnoredEndpoints();
        var texts = FindErrors(options);
        var reading = _readings.Of(options);
        var complaints = (reading?.Complete(texts) ?? texts).ToList();
        if (complaints.Count > 0)
        {
            return ValidateOptionsResult.Fail(complaints);
        }

        if (reading is { IsMissing: true })
        {
            _readings.NoteMissing(reading.Path);
        }

        foreach (var warning in FindWarnings(options, reading))
        {
            _readings.Warn(warning);
        }

        return ValidateOptionsResult.Success;
    }

    private static IEnumerable<string> FindWarnings(ByokOptions options, SettingsReading? reading)
    {
        foreach (var (service, endpoints) in new[] { ("Kms", options.Endpoints.Kms), ("Sts", options.Endpoints.Sts) })
        {
            foreach (var region in endpoints.Keys.Where(one => one != ByokEndpoints.AnyRegion && !options.AllowedRegions.Contains(one)))
            {
                var meant = Spelling.Region(region, options.AllowedRegions.Where(allowed => !endpoints.ContainsKey(allowed)));
                var text = $"Endpoints:{service}:{region} is never used, because {region} is not among AllowedRegions."
                    + (meant is null ? "" : $" Did you mean {meant}?");
                yield return reading?.InFull(text) ?? text;
            }
        }
    }

    private static IEnumerable<string> FindErrors(ByokOptions options)
    {
        foreach (var complaint in Regions(options.AllowedRegions).Concat(HostIdentityRules.FindErrors(options.HostIdentity)))
        {
            yield return complaint;
        }

        if (options.HostAccountId is { Length: 0 })
        {
            yield return "HostAccountId is empty. Set it to the AWS account of the host, 12 digits, or leave it out.";
        }
        else if (PastedText.Complain(options.HostAccountId ?? "") is { } pastedAccount)
        {
            yield return $"HostAccountId {pastedAccount}";
        }
        else if (options.HostAccountId is { } account && !IamText.IsAccountId(account))
        {
            yield return "HostAccountId is not an AWS account id of 12 digits.";
        }

        if (options.MaxPreviousKeys is < 0 or > 100)
        {
            yield return $"MaxPreviousKeys is {options.MaxPreviousKeys}; it must be 0 to 100.";
        }

        if (string.IsNullOrWhiteSpace(options.RoleSessionName))
        {
            yield return "RoleSessionName is missing; customers see it in CloudTrail.";
        }
        else if (PastedText.ComplainAboutEnds(options.RoleSessionName) is { } pastedName)
        {
            yield return $"RoleSessionName {pastedName}";
        }
        else if (SessionNames.Complain(options.RoleSessionName) is { } sessionName)
        {
            yield return $"RoleSessionName {sessionName}";
        }

        if (options.SessionDuration < TimeSpan.FromMinutes(15) || options.SessionDuration > TimeSpan.FromHours(12))
        {
            yield return $"SessionDuration is {options.SessionDuration}; AWS STS accepts 00:15:00 to 12:00:00.";
        }

        if (options.Resilience is not { } resilience)
        {
            yield return "Resilience is missing.";
        }
        else
        {
            foreach (var complaint in ResilienceRules.FindErrors(resilience))
            {
                yield return complaint;
            }
        }

        if (options.ConfirmationInterval < TimeSpan.FromSeconds(1) || options.ConfirmationInterval > TimeSpan.FromHours(1))
        {
            yield return $"ConfirmationInterval is {options.ConfirmationInterval}; it must be 1 second to 1 hour.";
        }
        else if (options.DataKeyCache is { } cache && cache.MaxAge > TimeSpan.Zero
            && options.ConfirmationInterval > cache.MaxAge && options.ConfirmationInterval > TimeSpan.FromSeconds(1))
        {
            yield return $"ConfirmationInterval is {options.ConfirmationInterval}; it must not be longer than DataKeyCache:MaxAge, "
                + $"which is {cache.MaxAge}.";
        }

        if (options.RoleCheckInterval < TimeSpan.FromSeconds(1) || options.RoleCheckInterval > TimeSpan.FromHours(1))
        {
            yield return $"RoleCheckInterval is {options.RoleCheckInterval}; it must be 1 second to 1 hour.";
        }

        if (options.KeyRingIdleTimeout < TimeSpan.FromMinutes(1) || options.KeyRingIdleTimeout > TimeSpan.FromDays(30))
        {
            yield return $"KeyRingIdleTimeout is {options.KeyRingIdleTimeout}; it must be 1 minute to 30 days.";
        }

        foreach (var complaint in Cache(options.DataKeyCache)
            .Concat(KeyEvents(options.KeyEvents))
            .Concat(Endpoints("Kms", options.Endpoints.Kms))
            .Concat(Endpoints("Sts", options.Endpoints.Sts)))
        {
            yield return complaint;
        }

        if (options.FrameLength is < 16 or > 16_777_216)
        {
            yield return $"FrameLength is {options.FrameLength}; it must be 16 to 16777216.";
        }

        if (options.MaxMessageLength < 1024)
        {
            yield return $"MaxMessageLength is {options.MaxMessageLength}; it must be 1024 or more.";
        }

        if (options.MaxHeaderLength is < 1024 or > 16_777_216)
        {
            yield return $"MaxHeaderLength is {options.MaxHeaderLength}; it must be 1024 to 16777216.";
        }

        if (options.MaxFrameLength is < 65_536 or > 1_073_741_824)
        {
            yield return $"MaxFrameLength is {options.MaxFrameLength}; it must be 65536 to 1073741824.";
        }
        else if (options.FrameLength <= 16_777_216 && options.FrameLength > options.MaxFrameLength)
        {
            yield return $"FrameLength is {options.FrameLength} but MaxFrameLength is {options.MaxFrameLength}: this host could not "
                + "decrypt its own streams.";
        }

        if (options.MaxDegreeOfParallelism < 1)
        {
            yield return $"MaxDegreeOfParallelism is {options.MaxDegreeOfParallelism}; it must be 1 or more.";
        }

        if (options.MaxEncryptedDataKeys is < 1 or > 65_535)
        {
            yield return $"MaxEncryptedDataKeys is {options.MaxEncryptedDataKeys}; it must be 1 to 65535.";
        }
    }

    private static IEnumerable<string> Regions(IList<string> regions)
    {
        for (var i = 0; i < regions.Count; i++)
        {
            if (PastedText.Complain(regions[i] ?? "") is { } pasted)
            {
                yield return $"AllowedRegions:{i} {pasted}";
            }
            else if (!AwsRegion.IsRegion(regions[i]))
            {
                yield return $"AllowedRegions:{i}: {AwsRegion.Complain(regions[i] ?? "")}";
            }
        }
    }

    private static IEnumerable<string> KeyEvents(ByokKeyEventOptions? options)
    {
        if (options is null)
        {
            yield return "KeyEvents is missing.";
            yield break;
        }

        if (options.HoldTime < TimeSpan.Zero || options.HoldTime > TimeSpan.FromHours(1))
        {
            yield return $"KeyEvents:HoldTime is {options.HoldTime}; it must be zero to 1 hour.";
        }

        if (options.QueryInterval != TimeSpan.Zero && options.QueryInterval != Timeout.InfiniteTimeSpan
            && (options.QueryInterval < TimeSpan.FromMinutes(1) || options.QueryInterval > TimeSpan.FromDays(1)))
        {
            yield return $"KeyEvents:QueryInterval is {options.QueryInterval}; it must be 1 minute to 1 day, or zero, which turns the "
                + "queries off.";
        }

        if (options.ObserverTimeout < TimeSpan.FromSeconds(1) || options.ObserverTimeout > TimeSpan.FromHours(1))
        {
            yield return $"KeyEvents:ObserverTimeout is {options.ObserverTimeout}; it must be 1 second to 1 hour.";
        }

        if (options.MaxQueued is < 1 or > 100_000)
        {
            yield return $"KeyEvents:MaxQueued is {options.MaxQueued}; it must be 1 to 100000.";
        }
    }

    private static IEnumerable<string> Cache(ByokDataKeyCacheOptions? options)
    {
        if (options is null)
        {
            yield return "DataKeyCache is missing.";
            yield break;
        }

        if (options.MaxAge < TimeSpan.Zero || options.MaxAge > TimeSpan.FromHours(1))
        {
            yield return $"DataKeyCache:MaxAge is {options.MaxAge}; it must be zero, which turns the cache off, to 1 hour.";
        }

        if (options.MaxMessages < 1 || options.MaxBytes < 1 || options.MaxKeys < 1)
        {
            yield return "DataKeyCache: MaxMessages, MaxBytes and MaxKeys must be 1 or more.";
        }

        if (options.OutageGrace < TimeSpan.Zero || options.OutageGrace > TimeSpan.FromHours(24))
        {
            yield return $"DataKeyCache:OutageGrace is {options.OutageGrace}; it must be zero to 24 hours.";
        }
    }

    private static IEnumerable<string> Endpoints(string service, IDictionary<string, Uri> endpoints)
    {
        foreach (var (region, address) in endpoints)
        {
            if (region != ByokEndpoints.AnyRegion && !AwsRegion.IsRegion(region))
            {
                yield return $"Endpoints:{service}: '{region}' is neither the name of an AWS Region, which is in lower case, nor "
                    + $"{ByokEndpoints.AnyRegion}.";
            }

            if (address is not { IsAbsoluteUri: true }
                || (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback)))
            {
                yield return $"Endpoints:{service}:{region} must be an https address; plain http is accepted on loopback only.";
            }
            else if ((address.UserInfo + address.Query + address.Fragment).Length > 0)
            {
                yield return $"Endpoints:{service}:{region} must not have a user name, a query or a fragment; expected an address, such "
                    + "as https://kms.example.com.";
            }
        }
    }
}
