using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// The host's own KMS key (<c>AddPlatformKey</c>). Completes the settings of tenants whose store says that they use it, and no others.
/// </summary>
internal sealed class PlatformKey
{
    private readonly Lazy<ByokKeySettings>? _settings;

    /// <param name="settings">The settings of <c>AddPlatformKey</c>, read once; null if the host has not called it.</param>
    /// <param name="validator">Returns the validator.</param>
    public PlatformKey(IOptions<PlatformSettings>? settings, Func<KeySettingsValidator> validator)
    {
        // PublicationOnly: an exception is not kept, and the next caller reads again.
        _settings = settings is null ? null : new(
            () =>
            {
                var failures = validator().FindPlatformErrors(settings.Value);
                return failures.Count == 0
                    ? settings.Value.Key
                    : throw new OptionsValidationException(nameof(ByokKeySettings.Platform), typeof(PlatformSettings), failures);
            },
            LazyThreadSafetyMode.PublicationOnly);
    }

    /// <summary>Whether the host called <c>AddPlatformKey</c>.</summary>
    public bool IsAdded => _settings is not null;

    /// <summary>Reads the settings on first use.</summary>
    /// <exception cref="OptionsValidationException">The settings are not valid.</exception>
    public void Start() => _ = _settings?.Value;

    /// <summary>Whether a key is the platform key, one of its replicas, or one of its previous keys.</summary>
    /// <exception cref="OptionsValidationException">The settings are not valid.</exception>
    public bool Is(KmsKeyArn key) => _settings is { Value: var own }
        && (own.PreviousKeys ?? []).Select(previous => previous.KeyArn).Prepend(own.KeyArn)
            .Select(arn => KmsKeyArn.Parse(arn!)).Any(arn => arn == key || key.IsReplicaOf(arn));

    /// <summary>
    /// Settings with the platform key in each place where a store named it. Settings that do not name it come back unchanged.
    /// </summary>
    /// <param name="settings">Validated settings of a store.</param>
    public ByokKeySettings Complete(ByokKeySettings settings)
    {
        var previous = settings.PreviousKeys ?? [];
        if (!settings.IsPlatform && !previous.Any(static key => key.IsPlatform))
        {
            return settings;
        }

        var own = _settings!.Value;
        var older = (own.PreviousKeys ?? []).Select(static key => Of(key.KeyArn)).ToList();
        if (!settings.IsPlatform)
        {
            return new()
            {
                KeyArn = settings.KeyArn,
                Credentials = settings.Credentials,
                ReplicaRegions = settings.ReplicaRegions,
                PreviousKeys = [.. previous.SelectMany(key => key.IsPlatform ? older.Prepend(Of(own.KeyArn)) : [key])],
            };
        }

        var completed = ByokKeySettings.Platform;
        completed.KeyArn = own.KeyArn;
        completed.Credentials = ByokCredentialSettings.Host();
        completed.ReplicaRegions = [.. own.ReplicaRegions ?? []];
        completed.PreviousKeys = [.. older, .. previous];
        return completed;
    }

    private static ByokPreviousKeySettings Of(string? keyArn)
    {
        var key = ByokPreviousKeySettings.Platform;
        key.KeyArn = keyArn;
        key.Credentials = ByokCredentialSettings.Host();
        return key;
    }
}
