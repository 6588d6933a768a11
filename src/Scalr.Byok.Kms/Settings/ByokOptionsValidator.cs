using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Sets defaults for empty or null options, and reports all validation errors of the operator's options.</summary>
internal sealed class ByokOptionsValidator : IPostConfigureOptions<ByokOptions>, IValidateOptions<ByokOptions>
{
    private static readonly string[] DefaultRegions = ["us-east-1", "us-east-2"];
    private static readonly TimeSpan OneSecond = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OneMinute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FifteenMinutes = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan OneHour = TimeSpan.FromHours(1);
    private static readonly TimeSpan TwelveHours = TimeSpan.FromHours(12);
    private static readonly TimeSpan OneDay = TimeSpan.FromDays(1);
    private static readonly TimeSpan ThirtyDays = TimeSpan.FromDays(30);

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
        var complaints = reading is null ? texts : [.. reading.Complete(texts)];
        if (complaints.Count > 0)
        {
            return ValidateOptionsResult.Fail(complaints);
        }

        if (reading is { IsMissing: true })
        {
            _readings.NoteMissing(reading.Path);
        }

        WarnOfUnused("Kms", options.Endpoints.Kms, options, reading);
        WarnOfUnused("Sts", options.Endpoints.Sts, options, reading);
        return ValidateOptionsResult.Success;
    }

    private void WarnOfUnused(string service, IDictionary<string, Uri> endpoints, ByokOptions options, SettingsReading? reading)
    {
        foreach (var region in endpoints.Keys)
        {
            if (region != ByokEndpoints.AnyRegion && !options.AllowedRegions.Contains(region))
            {
                var meant = Spelling.Region(region, options.AllowedRegions.Where(allowed => !endpoints.ContainsKey(allowed)));
                var text = $"Endpoints:{service}:{region} is never used, because {region} is not among AllowedRegions."
                    + (meant is null ? "" : $" Did you mean {meant}?");
                _readings.Warn(reading?.InFull(text) ?? text);
            }
        }
    }

    // Plain statements that fill one list: iterators take four times as long to compile, at each start of a host.
    private static List<string> FindErrors(ByokOptions options)
    {
        var errors = new List<string>();
        CheckRegions(errors, options.AllowedRegions);
        HostIdentityRules.Check(errors, options.HostIdentity);
        CheckAccount(errors, options.HostAccountId);
        SettingRanges.Check(errors, "MaxPreviousKeys", options.MaxPreviousKeys, 0, 100);
        CheckSessionName(errors, options.RoleSessionName);
        SettingRanges.Check(
            errors, "SessionDuration", options.SessionDuration, FifteenMinutes, TwelveHours, "AWS STS accepts 00:15:00 to 12:00:00");
        if (options.Resilience is { } resilience)
        {
            ResilienceRules.Check(errors, resilience);
        }
        else
        {
            errors.Add("Resilience is missing.");
        }

        CheckConfirmationInterval(errors, options);
        SettingRanges.Check(
            errors, "RoleCheckInterval", options.RoleCheckInterval, OneSecond, OneHour, "it must be 1 second to 1 hour");
        SettingRanges.Check(
            errors, "KeyRingIdleTimeout", options.KeyRingIdleTimeout, OneMinute, ThirtyDays, "it must be 1 minute to 30 days");
        CheckCache(errors, options.DataKeyCache);
        CheckKeyEvents(errors, options.KeyEvents);
        CheckEndpoints(errors, "Kms", options.Endpoints.Kms);
        CheckEndpoints(errors, "Sts", options.Endpoints.Sts);
        SettingRanges.Check(errors, "FrameLength", options.FrameLength, 16, 16_777_216);
        SettingRanges.CheckLeast(errors, "MaxMessageLength", options.MaxMessageLength, 1024);
        SettingRanges.Check(errors, "MaxHeaderLength", options.MaxHeaderLength, 1024, 16_777_216);
        SettingRanges.Check(errors, "MaxFrameLength", options.MaxFrameLength, 65_536, 1_073_741_824);
        if (options.FrameLength <= 16_777_216 && options.FrameLength > options.MaxFrameLength
            && options.MaxFrameLength is >= 65_536 and <= 1_073_741_824)
        {
            errors.Add($"FrameLength is {options.FrameLength} but MaxFrameLength is {options.MaxFrameLength}: this host could not "
                + "decrypt its own streams.");
        }

        SettingRanges.CheckLeast(errors, "MaxDegreeOfParallelism", options.MaxDegreeOfParallelism, 1);
        SettingRanges.Check(errors, "MaxEncryptedDataKeys", options.MaxEncryptedDataKeys, 1, 65_535);
        return errors;
    }

    private static void CheckRegions(List<string> errors, IList<string> regions)
    {
        for (var i = 0; i < regions.Count; i++)
        {
            if (PastedText.Complain(regions[i] ?? "") is { } pasted)
            {
                errors.Add($"AllowedRegions:{i} {pasted}");
            }
            else if (!AwsRegion.IsRegion(regions[i]))
            {
                errors.Add($"AllowedRegions:{i}: {AwsRegion.Complain(regions[i] ?? "")}");
            }
        }
    }

    private static void CheckAccount(List<string> errors, string? account)
    {
        if (account is { Length: 0 })
        {
            errors.Add("HostAccountId is empty. Set it to the AWS account of the host, 12 digits, or leave it out.");
        }
        else if (account is not null && PastedText.Complain(account) is { } pasted)
        {
            errors.Add($"HostAccountId {pasted}");
        }
        else if (account is not null && !IamText.IsAccountId(account))
        {
            errors.Add("HostAccountId is not an AWS account id of 12 digits.");
        }
    }

    private static void CheckSessionName(List<string> errors, string name)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            errors.Add("RoleSessionName is missing; customers see it in CloudTrail.");
        }
        else if ((PastedText.ComplainAboutEnds(name) ?? SessionNames.Complain(name)) is { } complaint)
        {
            errors.Add($"RoleSessionName {complaint}");
        }
    }

    private static void CheckConfirmationInterval(List<string> errors, ByokOptions options)
    {
        var interval = options.ConfirmationInterval;
        if (interval < OneSecond || interval > OneHour)
        {
            errors.Add($"ConfirmationInterval is {interval}; it must be 1 second to 1 hour.");
        }
        else if (options.DataKeyCache is { } cache && cache.MaxAge > TimeSpan.Zero && interval > cache.MaxAge && interval > OneSecond)
        {
            errors.Add(
                $"ConfirmationInterval is {interval}; it must not be longer than DataKeyCache:MaxAge, which is {cache.MaxAge}.");
        }
    }

    private static void CheckKeyEvents(List<string> errors, ByokKeyEventOptions? options)
    {
        if (options is null)
        {
            errors.Add("KeyEvents is missing.");
            return;
        }

        SettingRanges.Check(errors, "KeyEvents:HoldTime", options.HoldTime, TimeSpan.Zero, OneHour, "it must be zero to 1 hour");
        if (options.QueryInterval != TimeSpan.Zero && options.QueryInterval != Timeout.InfiniteTimeSpan)
        {
            SettingRanges.Check(
                errors,
                "KeyEvents:QueryInterval",
                options.QueryInterval,
                OneMinute,
                OneDay,
                "it must be 1 minute to 1 day, or zero, which turns the queries off");
        }

        SettingRanges.Check(
            errors, "KeyEvents:ObserverTimeout", options.ObserverTimeout, OneSecond, OneHour, "it must be 1 second to 1 hour");
        SettingRanges.Check(errors, "KeyEvents:MaxQueued", options.MaxQueued, 1, 100_000);
    }

    private static void CheckCache(List<string> errors, ByokDataKeyCacheOptions? options)
    {
        if (options is null)
        {
            errors.Add("DataKeyCache is missing.");
            return;
        }

        SettingRanges.Check(
            errors,
            "DataKeyCache:MaxAge",
            options.MaxAge,
            TimeSpan.Zero,
            OneHour,
            "it must be zero, which turns the cache off, to 1 hour");
        if (options.MaxMessages < 1 || options.MaxBytes < 1 || options.MaxKeys < 1)
        {
            errors.Add("DataKeyCache: MaxMessages, MaxBytes and MaxKeys must be 1 or more.");
        }

        SettingRanges.Check(
            errors, "DataKeyCache:OutageGrace", options.OutageGrace, TimeSpan.Zero, OneDay, "it must be zero to 24 hours");
    }

    private static void CheckEndpoints(List<string> errors, string service, IDictionary<string, Uri> endpoints)
    {
        foreach (var (region, address) in endpoints)
        {
            if (region != ByokEndpoints.AnyRegion && !AwsRegion.IsRegion(region))
            {
                errors.Add($"Endpoints:{service}: '{region}' is neither the name of an AWS Region, which is in lower case, nor "
                    + $"{ByokEndpoints.AnyRegion}.");
            }

            if (address is not { IsAbsoluteUri: true }
                || (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback)))
            {
                errors.Add($"Endpoints:{service}:{region} must be an https address; plain http is accepted on loopback only.");
            }
            else if ((address.UserInfo + address.Query + address.Fragment).Length > 0)
            {
                errors.Add($"Endpoints:{service}:{region} must not have a user name, a query or a fragment; expected an address, such "
                    + "as https://kms.example.com.");
            }
        }
    }
}
