using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Keys;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Every complaint about a customer's key settings at once, each naming its setting.</summary>
internal sealed class KeySettingsValidator : IValidateOptions<ByokKeySettings>
{
    private readonly IOptions<ByokOptions> _options;
    private readonly Func<CredentialStrategies> _strategies;
    private readonly SettingsReadings _readings;

    /// <param name="options">The operator's options, which may be wrong, too: that must not hide what is wrong with a ring.</param>
    /// <param name="strategies">Finds the strategies, which cannot be had while the options are wrong.</param>
    /// <param name="readings">Knows which configuration section settings come from.</param>
    public KeySettingsValidator(IOptions<ByokOptions> options, Func<CredentialStrategies> strategies, SettingsReadings readings)
    {
        _options = options;
        _strategies = strategies;
        _readings = readings;
    }

    public ValidateOptionsResult Validate(string? name, ByokKeySettings options)
    {
        var complaints = Describe(string.IsNullOrEmpty(name) ? "Key ring: " : $"Key ring '{name}': ", options).ToList();
        return complaints.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(complaints);
    }

    /// <summary>The complaints, none of which quotes a secret; empty if all is well.</summary>
    public IReadOnlyList<SettingsComplaint> Complaints(ByokKeySettings settings)
    {
        var complaints = new List<SettingsComplaint>();
        var host = FindHost();
        var key = CheckKey(settings.KeyArn, settings.Credentials, host, prefix: "", complaints);
        if (key is { } current)
        {
            if (host?.Allows(current.Region) == false)
            {
                complaints.Add(new(SettingsPart.AllowedRegion, $"KeyArn: {host.NotAllowed(current.Region)}"));
            }

            CheckReplicas(current, settings.ReplicaRegions ?? [], host, complaints);
        }

        CheckPreviousKeys(key, settings.PreviousKeys ?? [], host, complaints);
        if (host is null)
        {
            complaints.Add(new("the credentials and the Regions are checked once the options of AddScalrByok are right."));
        }

        return complaints;
    }

    private IEnumerable<string> Describe(string ring, ByokKeySettings options)
    {
        var reading = _readings.Of(options);
        if (reading is { IsMissing: true } && options is { KeyArn: null, Credentials: null or { Type: null } })
        {
            return [$"{ring}The configuration section {reading.Path} does not exist or is empty; expected KeyArn and Credentials in it."];
        }

        var texts = Complaints(options).Select(complaint => complaint.Text);
        return reading is null ? texts.Select(text => ring + text) : reading.Complete(texts).Select(text => reading.Path.Length == 0 ? ring + text : text);
    }

    /// <summary>What the host allows; null while its own options are wrong, which is told elsewhere.</summary>
    private Host? FindHost()
    {
        try
        {
            return new Host(_options.Value.AllowedRegions, _strategies());
        }
        catch (OptionsValidationException e) when (e.OptionsType == typeof(ByokOptions))
        {
            return null;
        }
    }

    private static KmsKeyArn? CheckKey(string? keyArn, ByokCredentialSettings? credentials, Host? host, string prefix, List<SettingsComplaint> complaints)
    {
        KmsKeyArn? key = null;
        var part = prefix.Length == 0 ? SettingsPart.KeyArn : SettingsPart.Rest;
        if (string.IsNullOrWhiteSpace(keyArn))
        {
            complaints.Add(new(part, $"{prefix}KeyArn is missing."));
        }
        else if (PastedText.Complain(keyArn) is { } pasted)
        {
            complaints.Add(new(part, $"{prefix}KeyArn {pasted}"));
        }
        else if (KmsKeyArn.TryParse(keyArn, out var parsed, out var complaint))
        {
            key = parsed;
        }
        else
        {
            complaints.Add(new(part, $"{prefix}KeyArn: {complaint}"));
        }

        if (host is not null)
        {
            CheckCredentials(key, credentials, host.Strategies, prefix, complaints);
        }

        return key;
    }

    private static void CheckCredentials(
        KmsKeyArn? key, ByokCredentialSettings? credentials, CredentialStrategies strategies, string prefix, List<SettingsComplaint> complaints)
    {
        if (string.IsNullOrWhiteSpace(credentials?.Type))
        {
            complaints.Add(new($"{prefix}Credentials:Type is missing; it is one of {string.Join(", ", strategies.Types)}."));
        }
        else if (PastedText.Complain(credentials.Type) is { } pasted)
        {
            complaints.Add(new($"{prefix}Credentials:Type {pasted}"));
        }
        else if (strategies.Find(credentials.Type) is not { } strategy)
        {
            complaints.Add(new($"{prefix}Credentials:Type is none of {string.Join(", ", strategies.Types)}."));
        }
        else
        {
            complaints.AddRange(strategy.Validate(credentials).Select(c => new SettingsComplaint($"{prefix}Credentials:{c}")));
            if (key is { } k && credentials.RoleArn is { } role && role.Split(':') is ["arn", var partition, ..] && AwsPartitions.TryParse<char>(partition, out _)
                && partition != k.Partition)
            {
                complaints.Add(new($"{prefix}Credentials:RoleArn is of partition {partition} but the key is of partition {k.Partition}; a role reaches only its own."));
            }
        }
    }

    private static void CheckReplicas(KmsKeyArn key, IList<string> regions, Host? host, List<SettingsComplaint> complaints)
    {
        if (regions.Count > 0 && !key.IsMultiRegion)
        {
            complaints.Add(new("ReplicaRegions: the key is not a multi-Region key (its id does not start with mrk-), so it has no replicas. Leave them empty."));
            return;
        }

        for (var i = 0; i < regions.Count; i++)
        {
            var region = regions[i] ?? "";
            if (PastedText.Complain(region) is { } pasted)
            {
                complaints.Add(new($"ReplicaRegions:{i} {pasted}"));
            }
            else if (!AwsRegion.IsRegionOf(key.Partition, region))
            {
                complaints.Add(new($"ReplicaRegions:{i} is not a Region of partition {key.Partition}."));
            }
            else if (region == key.Region)
            {
                complaints.Add(new($"ReplicaRegions:{i} is {region}, the Region of the key itself."));
            }
            else if (regions.IndexOf(region) < i)
            {
                complaints.Add(new($"ReplicaRegions:{i} names {region} a second time."));
            }
            else if (host?.Allows(region) == false)
            {
                complaints.Add(new(SettingsPart.AllowedRegion, $"ReplicaRegions:{i}: {host.NotAllowed(region)}"));
            }
        }
    }

    private static void CheckPreviousKeys(KmsKeyArn? current, IList<ByokPreviousKeySettings> previousKeys, Host? host, List<SettingsComplaint> complaints)
    {
        var seen = new List<KmsKeyArn>();
        if (current is { } key)
        {
            seen.Add(key);
        }

        for (var i = 0; i < previousKeys.Count; i++)
        {
            var previous = CheckKey(previousKeys[i]?.KeyArn, previousKeys[i]?.Credentials, host, $"PreviousKeys:{i}:", complaints);
            if (previous is not { } arn)
            {
                continue;
            }

            if (seen.Any(other => other == arn || other.IsReplicaOf(arn)))
            {
                complaints.Add(new($"PreviousKeys:{i}:KeyArn is a key that this key ring has already, or a replica of it."));
            }

            seen.Add(arn);
        }
    }

    /// <summary>What of the host's options a ring is checked against.</summary>
    private sealed record Host(IList<string> AllowedRegions, CredentialStrategies Strategies)
    {
        public bool Allows(string region) => AllowedRegions.Contains(region);

        public string NotAllowed(string region) => $"Region {region} is not allowed; allowed are {string.Join(", ", AllowedRegions)}.";
    }
}
