namespace Scalr.Byok.Kms.Settings;

/// <summary>The shape of a setting in configuration.</summary>
internal enum SettingKind
{
    Text,
    Int32,
    Int64,
    Number,
    Boolean,
    Duration,
    Address,

    /// <summary>A list of Regions, or one text with commas.</summary>
    Regions,

    /// <summary>A list of texts, which may be secrets.</summary>
    Texts,

    /// <summary>Addresses by name.</summary>
    Addresses,

    /// <summary>A section with its own names.</summary>
    Section,

    /// <summary>A list of such sections.</summary>
    Sections,
}

/// <summary>The names and kinds of all settings. A test compares this table with the options types.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Example">A valid value, for messages.</param>
internal sealed record SettingsShape(SettingKind Kind, string Example = "")
{
    private static readonly SettingsShape Text = new(SettingKind.Text);
    private static readonly SettingsShape Flag = new(SettingKind.Boolean, "true");
    private static readonly SettingsShape Seconds = new(SettingKind.Duration, "00:00:15 for 15 seconds");
    private static readonly SettingsShape Minutes = new(SettingKind.Duration, "00:15:00 for 15 minutes");
    private static readonly SettingsShape Hours = new(SettingKind.Duration, "01:00:00 for 1 hour");

    private static readonly SettingsShape Credentials = Section(
        (nameof(ByokCredentialSettings.Type), Text),
        (nameof(ByokCredentialSettings.AccessKeyId), Text),
        (nameof(ByokCredentialSettings.SecretAccessKey), Text),
        (nameof(ByokCredentialSettings.RoleArn), Text),
        (nameof(ByokCredentialSettings.ExternalId), Text),
        (nameof(ByokCredentialSettings.Audience), Text));

    /// <summary>A key ring's settings.</summary>
    public static readonly SettingsShape KeyRing = Section(
        (nameof(ByokKeySettings.KeyArn), Text),
        (nameof(ByokKeySettings.Credentials), Credentials),
        (nameof(ByokKeySettings.ReplicaRegions), new(SettingKind.Regions)),
        (nameof(ByokKeySettings.PreviousKeys), new(SettingKind.Sections)
        {
            Names = Section(
                (nameof(ByokPreviousKeySettings.KeyArn), Text), (nameof(ByokPreviousKeySettings.Credentials), Credentials)).Names,
        }));

    /// <summary>The options of <c>ShareConfirmations</c>.</summary>
    public static readonly SettingsShape Fleet = Section(
        (nameof(ByokFleetOptions.Secrets), new(SettingKind.Texts)),
        (nameof(ByokFleetOptions.ClockTolerance), Seconds));

    /// <summary>The operator's options.</summary>
    public static readonly SettingsShape Options = Section(
        (nameof(ByokOptions.AllowedRegions), new(SettingKind.Regions) { MayBeEmptied = false }),
        (nameof(ByokOptions.HostIdentity), Section(
            (nameof(ByokHostIdentity.AccessKeyId), Text),
            (nameof(ByokHostIdentity.SecretAccessKey), Text),
            (nameof(ByokHostIdentity.SessionToken), Text))),
        (nameof(ByokOptions.HostAccountId), Text),
        (nameof(ByokOptions.AllowHostAccount), Flag),
        (nameof(ByokOptions.AllowSharedKeys), Flag),
        (nameof(ByokOptions.MaxPreviousKeys), new(SettingKind.Int32, "5")),
        (nameof(ByokOptions.RestrictSessions), Flag),
        (nameof(ByokOptions.RoleSessionName), Text),
        (nameof(ByokOptions.SessionDuration), Hours),
        (nameof(ByokOptions.Endpoints), Section(
            (nameof(ByokEndpoints.Kms), new(SettingKind.Addresses)),
            (nameof(ByokEndpoints.Sts), new(SettingKind.Addresses)),
            (nameof(ByokEndpoints.UseSystemProxy), Flag))),
        (nameof(ByokOptions.FailoverOnRevokedReplica), Flag),
        (nameof(ByokOptions.DataKeyCache), Section(
            (nameof(ByokDataKeyCacheOptions.MaxAge), Minutes),
            (nameof(ByokDataKeyCacheOptions.MaxMessages), new(SettingKind.Int64, "1000000")),
            (nameof(ByokDataKeyCacheOptions.MaxBytes), new(SettingKind.Int64, "1099511627776")),
            (nameof(ByokDataKeyCacheOptions.MaxKeys), new(SettingKind.Int32, "1000")),
            (nameof(ByokDataKeyCacheOptions.OutageGrace), Minutes))),
        (nameof(ByokOptions.ConfirmationInterval), Seconds),
        (nameof(ByokOptions.RoleCheckInterval), Minutes),
        (nameof(ByokOptions.KeyRingIdleTimeout), Minutes),
        (nameof(ByokOptions.Resilience), Section(
            (nameof(ByokResilienceOptions.TotalTimeout), Seconds),
            (nameof(ByokResilienceOptions.AttemptTimeout), Seconds),
            (nameof(ByokResilienceOptions.MaxRetryAttempts), new(SettingKind.Int32, "3")),
            (nameof(ByokResilienceOptions.RetryDelay), Seconds),
            (nameof(ByokResilienceOptions.BreakerFailureRatio), new(SettingKind.Number, "0.5")),
            (nameof(ByokResilienceOptions.BreakerMinimumThroughput), new(SettingKind.Int32, "4")),
            (nameof(ByokResilienceOptions.BreakerSamplingDuration), Seconds),
            (nameof(ByokResilienceOptions.BreakDuration), Seconds),
            (nameof(ByokResilienceOptions.MaxConcurrentCalls), new(SettingKind.Int32, "64")),
            (nameof(ByokResilienceOptions.MaxConnectionsPerEndpoint), new(SettingKind.Int32, "256")),
            (nameof(ByokResilienceOptions.MaxSessionStartsPerSecond), new(SettingKind.Int32, "100")))),
        (nameof(ByokOptions.KeyEvents), Section(
            (nameof(ByokKeyEventOptions.HoldTime), Seconds),
            (nameof(ByokKeyEventOptions.QueryInterval), Minutes),
            (nameof(ByokKeyEventOptions.ObserverTimeout), Seconds),
            (nameof(ByokKeyEventOptions.MaxQueued), new(SettingKind.Int32, "1000")))),
        (nameof(ByokOptions.FrameLength), new(SettingKind.Int32, "65536")),
        (nameof(ByokOptions.MaxMessageLength), new(SettingKind.Int64, "68719476736")),
        (nameof(ByokOptions.MaxHeaderLength), new(SettingKind.Int32, "131072")),
        (nameof(ByokOptions.MaxEncryptedDataKeys), new(SettingKind.Int32, "10")),
        (nameof(ByokOptions.MaxFrameLength), new(SettingKind.Int32, "16777216")),
        (nameof(ByokOptions.MaxDegreeOfParallelism), new(SettingKind.Int32, "4")));

    /// <summary>The names in a section, or in each section of a list. Not case-sensitive.</summary>
    public IReadOnlyDictionary<string, SettingsShape> Names { get; private init; } = new Dictionary<string, SettingsShape>();

    /// <summary>Whether a list of Regions may be empty. JSON's <c>[]</c> is an empty text in configuration.</summary>
    public bool MayBeEmptied { get; private init; } = true;

    private static SettingsShape Section(params (string Name, SettingsShape Shape)[] names) =>
        new(SettingKind.Section) { Names = names.ToDictionary(one => one.Name, one => one.Shape, StringComparer.OrdinalIgnoreCase) };
}
