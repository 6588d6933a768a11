namespace Scalr.Byok.Kms;

/// <summary>A previous key of a customer: it may still decrypt, and never encrypts.</summary>
/// <remarks>Its Region must be among <see cref="ByokOptions.AllowedRegions"/>.</remarks>
public sealed class ByokPreviousKeySettings
{
    private bool _isPlatform; // a field that no JSON and no configuration can set, so that no customer can choose the platform key

    /// <summary>
    /// The host's platform key (<c>AddPlatformKey</c>) and its previous keys, for a tenant that has brought its own key and still has data
    /// under the platform key.
    /// </summary>
    /// <remarks>
    /// The host's <see cref="IByokKeySettingsStore"/> adds it to <see cref="ByokKeySettings.PreviousKeys"/>. No JSON and no configuration
    /// can express it. The tenant's key ring then also decrypts the tenant's own messages under the platform key, and encrypts under the
    /// tenant's key alone. Without it, those messages throw <see cref="ByokDecryptionException"/>.
    /// </remarks>
    /// <value>A new object at each access.</value>
    public static ByokPreviousKeySettings Platform => new() { _isPlatform = true };

    /// <summary>The full ARN of the KMS key. Required.</summary>
    public string? KeyArn { get; set; }

    /// <summary>The credentials for the key. Required.</summary>
    public ByokCredentialSettings Credentials { get; set; } = new();

    /// <summary>Whether this is the platform key.</summary>
    internal bool IsPlatform => _isPlatform;

    /// <summary>The key ARN and the credentials type, without any secret.</summary>
    public override string ToString() => IsPlatform ? "(platform key)" : $"{KeyArn ?? "(no key ARN)"}, {Credentials}";
}
