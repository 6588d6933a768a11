using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Every complaint about a customer's key settings at once, each naming its setting.</summary>
internal sealed class KeySettingsValidator : IValidateOptions<ByokKeySettings>
{
    private readonly ByokOptions _options;
    private readonly CredentialStrategies _strategies;

    public KeySettingsValidator(IOptions<ByokOptions> options, CredentialStrategies strategies)
    {
        _options = options.Value;
        _strategies = strategies;
    }

    public ValidateOptionsResult Validate(string? name, ByokKeySettings options)
    {
        var ring = string.IsNullOrEmpty(name) ? "Key ring: " : $"Key ring '{name}': ";
        var complaints = Complaints(options).Select(complaint => ring + complaint).ToList();
        return complaints.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(complaints);
    }

    /// <summary>The complaints, none of which quotes a secret; empty if all is well.</summary>
    public IEnumerable<string> Complaints(ByokKeySettings settings)
    {
        var complaints = new List<string>();
        var key = CheckKey(settings.KeyArn, settings.Credentials, prefix: "", complaints);
        if (key is { } current)
        {
            if (!_options.AllowedRegions.Contains(current.Region))
            {
                complaints.Add($"KeyArn: Region {current.Region} is not allowed; allowed are {string.Join(", ", _options.AllowedRegions)}.");
            }

            CheckReplicas(current, settings.ReplicaRegions ?? [], complaints);
        }

        CheckPreviousKeys(key, settings.PreviousKeys ?? [], complaints);
        return complaints;
    }

    private KmsKeyArn? CheckKey(string? keyArn, ByokCredentialSettings? credentials, string prefix, List<string> complaints)
    {
        KmsKeyArn? key = null;
        if (string.IsNullOrWhiteSpace(keyArn))
        {
            complaints.Add($"{prefix}KeyArn is missing.");
        }
        else if (KmsKeyArn.TryParse(keyArn, out var parsed, out var complaint))
        {
            key = parsed;
        }
        else
        {
            complaints.Add($"{prefix}KeyArn: {complaint}");
        }

        if (string.IsNullOrWhiteSpace(credentials?.Type))
        {
            complaints.Add($"{prefix}Credentials:Type is missing; it is one of {string.Join(", ", _strategies.Types)}.");
        }
        else if (_strategies.Find(credentials.Type) is not { } strategy)
        {
            complaints.Add($"{prefix}Credentials:Type is none of {string.Join(", ", _strategies.Types)}.");
        }
        else
        {
            complaints.AddRange(strategy.Validate(credentials).Select(c => $"{prefix}Credentials:{c}"));
            if (key is { } k && credentials.RoleArn is { } role && role.Split(':') is ["arn", var partition, ..] && AwsPartitions.TryParse<char>(partition, out _)
                && partition != k.Partition)
            {
                complaints.Add($"{prefix}Credentials:RoleArn is of partition {partition} but the key is of partition {k.Partition}; a role reaches only its own.");
            }
        }

        return key;
    }

    private void CheckReplicas(KmsKeyArn key, IList<string> regions, List<string> complaints)
    {
        if (regions.Count > 0 && !key.IsMultiRegion)
        {
            complaints.Add("ReplicaRegions: the key is not a multi-Region key (its id does not start with mrk-), so it has no replicas. Leave them empty.");
            return;
        }

        for (var i = 0; i < regions.Count; i++)
        {
            var region = regions[i];
            if (!AwsRegion.IsRegionOf(key.Partition, region))
            {
                complaints.Add($"ReplicaRegions:{i} is not a Region of partition {key.Partition}.");
            }
            else if (region == key.Region)
            {
                complaints.Add($"ReplicaRegions:{i} is {region}, the Region of the key itself.");
            }
            else if (regions.IndexOf(region) < i)
            {
                complaints.Add($"ReplicaRegions:{i} names {region} a second time.");
            }
            else if (!_options.AllowedRegions.Contains(region))
            {
                complaints.Add($"ReplicaRegions:{i}: Region {region} is not allowed; allowed are {string.Join(", ", _options.AllowedRegions)}.");
            }
        }
    }

    private void CheckPreviousKeys(KmsKeyArn? current, IList<ByokPreviousKeySettings> previousKeys, List<string> complaints)
    {
        var seen = new List<KmsKeyArn>();
        if (current is { } key)
        {
            seen.Add(key);
        }

        for (var i = 0; i < previousKeys.Count; i++)
        {
            var previous = CheckKey(previousKeys[i]?.KeyArn, previousKeys[i]?.Credentials, $"PreviousKeys:{i}:", complaints);
            if (previous is not { } arn)
            {
                continue;
            }

            if (seen.Any(other => other == arn || other.IsReplicaOf(arn)))
            {
                complaints.Add($"PreviousKeys:{i}:KeyArn is a key that this key ring has already, or a replica of it.");
            }

            seen.Add(arn);
        }
    }
}
