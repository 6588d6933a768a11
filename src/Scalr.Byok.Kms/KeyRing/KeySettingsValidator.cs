using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Keys;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Validates a customer's key settings. Reports all errors at once, each with its setting.</summary>
internal sealed class KeySettingsValidator : IValidateOptions<ByokKeySettings>
{
    /// <summary>Where settings come from.</summary>
    private enum Origin
    {
        /// <summary>A ring of <c>AddKeyRing</c>.</summary>
        Configuration,

        /// <summary>The host's store, or a form that is verified before it is stored.</summary>
        Store,

        /// <summary>The section of <c>AddPlatformKey</c>.</summary>
        Platform,
    }

    private readonly IOptions<ByokOptions> _options;
    private readonly Func<CredentialStrategies> _strategies;
    private readonly SettingsReadings _readings;
    private readonly Func<PlatformKey> _platform;

    /// <param name="options">The operator's options. If they are invalid too, the errors of a ring's settings are still reported.</param>
    /// <param name="strategies">Returns the strategies. Throws while the operator's options are invalid.</param>
    /// <param name="readings">Maps settings to their configuration section.</param>
    /// <param name="platform">Returns the host's own key.</param>
    public KeySettingsValidator(
        IOptions<ByokOptions> options,
        Func<CredentialStrategies> strategies,
        SettingsReadings readings,
        Func<PlatformKey> platform)
    {
        _platform = platform;
        _options = options;
        _strategies = strategies;
        _readings = readings;
    }

    public ValidateOptionsResult Validate(string? name, ByokKeySettings options)
    {
        var complaints = Describe(string.IsNullOrEmpty(name) ? "Key ring: " : $"Key ring '{name}': ", options).ToList();
        return complaints.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(complaints);
    }

    /// <summary>The validation errors of settings from the host's store, which may name the platform key.</summary>
    public IReadOnlyList<string> FindStoredErrors(ByokKeySettings settings) =>
        [.. Describe("Key ring: ", settings, _readings.Of(settings), Origin.Store)];

    /// <summary>The validation errors of the settings of <c>AddPlatformKey</c>.</summary>
    public IReadOnlyList<string> FindPlatformErrors(PlatformSettings settings) =>
        [.. Describe("Platform key: ", settings.Key, _readings.Of(settings), Origin.Platform)];

    /// <summary>
    /// The validation errors, none of which quotes a secret; empty if the settings are valid. Settings that were read from configuration
    /// are named by their full paths. A value of the wrong shape is an error.
    /// </summary>
    public IReadOnlyList<SettingsError> FindErrors(ByokKeySettings settings)
    {
        var complaints = Check(settings, Origin.Store);
        return _readings.Of(settings) is not { } reading ? complaints :
        [
            .. Misshapen(reading),
            .. complaints.Where(one => !reading.HasErrorFor(one.Text)).Select(one => one with { Text = reading.InFull(one.Text) }),
        ];
    }

    /// <summary>Settings of the wrong shape. A text in place of the section fails the checks of the key ARN and of the rest.</summary>
    private static IEnumerable<SettingsError> Misshapen(SettingsReading reading)
    {
        foreach (var (setting, message) in reading.Errors)
        {
            if (setting.Length == 0 || IsKeyArn(setting))
            {
                yield return new(SettingsPart.KeyArn, message);
            }

            if (!IsKeyArn(setting))
            {
                yield return new(message);
            }
        }

        static bool IsKeyArn(string setting) => setting.Equals(nameof(ByokKeySettings.KeyArn), StringComparison.OrdinalIgnoreCase);
    }

    private List<SettingsError> Check(ByokKeySettings settings, Origin origin)
    {
        var complaints = new List<SettingsError>();
        var host = FindHost(origin, out var invalid);
        KmsKeyArn? key = null;
        if (settings.IsPlatform)
        {
            CheckPlatform(settings, complaints);
        }
        else
        {
            key = CheckKey(settings.KeyArn, settings.Credentials, host, prefix: "", complaints);
            if (key is { } current && settings.ReplicaRegions is { Count: > 0 } replicas)
            {
                CheckReplicas(current, replicas, host, complaints);
            }
        }

        if (settings.PreviousKeys is { Count: > 0 } previousKeys)
        {
            CheckPreviousKeys(key, previousKeys, settings.IsPlatform, host, complaints);
        }

        if (host is null)
        {
            complaints.Add(new($"the credentials and the Regions are checked once the {invalid} are valid."));
        }

        return complaints;
    }

    /// <summary>Checks settings that name the platform key as the key that encrypts.</summary>
    private void CheckPlatform(ByokKeySettings settings, List<SettingsError> complaints)
    {
        const string Name = $"{nameof(ByokKeySettings)}.{nameof(ByokKeySettings.Platform)}";
        if (!_platform().IsAdded)
        {
            complaints.Add(new(NotAdded(Name)));
        }

        if (settings is not { KeyArn: null, Credentials: null or { Type: null }, ReplicaRegions: null or { Count: 0 } })
        {
            complaints.Add(new(
                $"the settings are {Name}, but KeyArn, Credentials or ReplicaRegions are set too. Leave them empty: AddPlatformKey has "
                + "them. For a customer's key, return settings that are not made from Platform."));
        }
    }

    private static string NotAdded(string name) =>
        $"the store returned {name}, but the host has no platform key. Call "
            + "AddPlatformKey(configuration.GetSection(\"Platform\")) after AddScalrByok.";

    private IEnumerable<string> Describe(string ring, ByokKeySettings options) =>
        Describe(ring, options, _readings.Of(options), Origin.Configuration);

    private IEnumerable<string> Describe(string ring, ByokKeySettings options, SettingsReading? reading, Origin origin)
    {
        if (reading is { IsMissing: true } && options is { KeyArn: null, Credentials: null or { Type: null } })
        {
            return [$"{ring}The configuration section {reading.Path} does not exist or is empty; expected KeyArn and Credentials in it."];
        }

        var texts = Check(options, origin).Select(complaint => complaint.Text);
        return reading is null
            ? texts.Select(text => ring + text)
            : reading.Complete(texts).Select(text => reading.Path.Length == 0 ? ring + text : text);
    }

    /// <summary>
    /// The limits of the host; null while its own options or those of its platform key are invalid, which is reported separately.
    /// </summary>
    private Host? FindHost(Origin origin, out string invalid)
    {
        invalid = "options of AddScalrByok";
        try
        {
            var (options, strategies, platform) = (_options.Value, _strategies(), _platform());
            if (origin != Origin.Platform)
            {
                invalid = "settings of AddPlatformKey";
                platform.Start(); // without them, a customer's key could not be compared with the platform key
            }

            return new Host(options, strategies, platform, origin);
        }
        catch (OptionsValidationException e) when (e.OptionsType == typeof(ByokOptions) || e.OptionsType == typeof(PlatformSettings))
        {
            return null;
        }
    }

    private static KmsKeyArn? CheckKey(
        string? keyArn, ByokCredentialSettings? credentials, Host? host, string prefix, List<SettingsError> complaints)
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
            CheckCredentials(key, credentials, host, prefix, complaints);
            CheckPlace(key, credentials, host, prefix, complaints);
        }

        return key;
    }

    private static void CheckCredentials(
        KmsKeyArn? key, ByokCredentialSettings? credentials, Host host, string prefix, List<SettingsError> complaints)
    {
        var strategies = host.Strategies;
        if (string.IsNullOrWhiteSpace(credentials?.Type))
        {
            complaints.Add(new($"{prefix}Credentials:Type is missing; it is {host.Types}."));
        }
        else if (PastedText.Complain(credentials.Type) is { } pasted)
        {
            complaints.Add(new($"{prefix}Credentials:Type {pasted}"));
        }
        else if (host.Origin == Origin.Platform)
        {
            var errors = new List<string>();
            if (IsHost(credentials.Type))
            {
                CredentialRules.Superfluous(errors, credentials, ByokCredentialSettings.HostType);
            }
            else
            {
                errors.Add($"Type is not {ByokCredentialSettings.HostType}. The platform key is used with the host's own AWS identity; a "
                    + "customer's key belongs into the settings of its tenant.");
            }

            Add(errors, prefix, complaints);
        }
        else if (IsHost(credentials.Type))
        {
            complaints.Add(new(
                $"{prefix}Credentials:Type is {ByokCredentialSettings.HostType}, the host's own AWS identity, which only AddPlatformKey "
                + $"accepts; it is one of {string.Join(", ", strategies.Types)}. A tenant uses the platform key if its store returns "
                + $"{nameof(ByokKeySettings)}.{nameof(ByokKeySettings.Platform)}."));
        }
        else if (strategies.Find(credentials.Type) is not { } strategy)
        {
            complaints.Add(new($"{prefix}Credentials:Type is none of {string.Join(", ", strategies.Types)}."));
        }
        else
        {
            Add(strategy.Validate(credentials), prefix, complaints);
            if (key is { } k && credentials.RoleArn is { } role
                && role.Split(':') is ["arn", var partition, ..] && AwsPartitions.TryParse<char>(partition, out _)
                && partition != k.Partition)
            {
                complaints.Add(new(
                    $"{prefix}Credentials:RoleArn is of partition {partition} but the key is of partition {k.Partition}; a role reaches "
                    + "only its own."));
            }
        }
    }

    private static void Add(IEnumerable<string> errors, string prefix, List<SettingsError> complaints)
    {
        foreach (var error in errors)
        {
            complaints.Add(new($"{prefix}Credentials:{error}"));
        }
    }

    private static bool IsHost(string type) => type.Equals(ByokCredentialSettings.HostType, StringComparison.OrdinalIgnoreCase);

    /// <summary>Checks that the key's Region is allowed, and that the accounts of key and role are not the host's own.</summary>
    private static void CheckPlace(
        KmsKeyArn? key, ByokCredentialSettings? credentials, Host host, string prefix, List<SettingsError> complaints)
    {
        if (key is { } k && !host.Allows(k.Region))
        {
            complaints.Add(new(SettingsPart.AllowedRegion, $"{prefix}KeyArn: {host.NotAllowed(k.Region)}"));
        }

        if (host.Origin != Origin.Platform && key is { } own && host.Platform.Is(own))
        {
            complaints.Add(new(
                prefix.Length == 0 ? SettingsPart.KeyArn : SettingsPart.Rest,
                $"{prefix}KeyArn is the host's platform key. Give a key of the customer. A tenant uses the platform key if its store "
                + $"returns {nameof(ByokKeySettings)}.{nameof(ByokKeySettings.Platform)}."));
            return;
        }

        if (host.OwnAccount is not { } account)
        {
            return;
        }

        if (key?.AccountId == account)
        {
            var part = prefix.Length == 0 ? SettingsPart.KeyArn : SettingsPart.Rest;
            complaints.Add(new(part, $"{prefix}KeyArn is in account {account}, {Host.NotOwn}"));
        }

        if (RoleArns.TryAccountOf(credentials?.RoleArn, out var ofRole) && ofRole == account)
        {
            complaints.Add(new($"{prefix}Credentials:RoleArn is in account {account}, {Host.NotOwn}"));
        }
    }

    private static void CheckReplicas(KmsKeyArn key, IList<string> regions, Host? host, List<SettingsError> complaints)
    {
        if (!key.IsMultiRegion)
        {
            complaints.Add(new(
                "ReplicaRegions: the key is not a multi-Region key (its id does not start with mrk-), so it has no replicas. Leave them "
                + "empty."));
            return;
        }

        for (var i = 0; i < regions.Count; i++)
        {
            var region = regions[i] ?? "";
            if (PastedText.Complain(region) is { } pasted)
            {
                complaints.Add(new($"ReplicaRegions:{i} {pasted}"));
            }
            else if (!AwsRegion.IsRegion(region))
            {
                complaints.Add(new($"ReplicaRegions:{i}: {AwsRegion.Complain(region)}"));
            }
            else if (!AwsRegion.IsRegionOf(key.Partition, region))
            {
                complaints.Add(new(
                    $"ReplicaRegions:{i} is {region}, which is not a Region of partition {key.Partition}, the partition of the key."));
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

    private void CheckPreviousKeys(
        KmsKeyArn? current, IList<ByokPreviousKeySettings> previousKeys, bool hasPlatform, Host? host, List<SettingsError> complaints)
    {
        var seen = new List<KmsKeyArn>();
        if (current is { } key)
        {
            seen.Add(key);
        }

        var most = host?.MaxPreviousKeys ?? previousKeys.Count;
        if (previousKeys.Count > most)
        {
            complaints.Add(new(
                $"PreviousKeys: there are {previousKeys.Count}, but {nameof(ByokOptions.MaxPreviousKeys)} is {most}. "
                    + "Remove keys that no stored message is under."));
        }

        for (var i = 0; i < Math.Min(previousKeys.Count, most); i++)
        {
            if (previousKeys[i] is { IsPlatform: true } platform)
            {
                if (FindPlatformError(platform, hasPlatform, host) is { } error)
                {
                    complaints.Add(new($"PreviousKeys:{i}: {error}"));
                }

                hasPlatform = true;
                continue;
            }

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

    /// <summary>The validation error of a previous key that is the platform key; null if there is none.</summary>
    private string? FindPlatformError(ByokPreviousKeySettings previous, bool hasPlatform, Host? host)
    {
        const string Name = $"{nameof(ByokPreviousKeySettings)}.{nameof(ByokPreviousKeySettings.Platform)}";
        return host is { Origin: not Origin.Store }
            ? $"{Name} is for settings that the store of AddTenantKeyRings returns, because it opens messages of a tenant only."
            : !_platform().IsAdded ? NotAdded(Name)
            : hasPlatform ? "the platform key is a key that this key ring has already."
            : previous is not { KeyArn: null, Credentials: null or { Type: null } }
                ? $"the key is {Name}, but KeyArn or Credentials are set too. Leave them empty: AddPlatformKey has them."
            : null;
    }

    /// <summary>The host's options that a ring is checked against.</summary>
    private sealed record Host(ByokOptions Options, CredentialStrategies Strategies, PlatformKey Platform, Origin Origin)
    {
        public const string NotOwn =
            $"which is {nameof(ByokOptions.HostAccountId)}, the host's own. "
                + $"Use the customer's account, or set {nameof(ByokOptions.AllowHostAccount)} to accept the host's.";

        /// <summary>The account in which no key and no role may be; null if any is allowed. The platform key is the host's own.</summary>
        public string? OwnAccount => Options.AllowHostAccount || Origin == Origin.Platform ? null : Options.HostAccountId;

        /// <summary>The credentials types, as the end of a sentence.</summary>
        public string Types =>
            Origin == Origin.Platform ? ByokCredentialSettings.HostType : $"one of {string.Join(", ", Strategies.Types)}";

        public int MaxPreviousKeys => Options.MaxPreviousKeys;

        public bool Allows(string region) => Options.AllowedRegions.Contains(region);

        public string NotAllowed(string region) =>
            $"Region {region} is not allowed; allowed are {string.Join(", ", Options.AllowedRegions)}.";
    }
}
