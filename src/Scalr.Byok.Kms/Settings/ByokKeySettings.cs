namespace Scalr.Byok.Kms;

/// <summary>One customer's key settings, as the customer typed them into the host's form.</summary>
/// <remarks>
/// The operator's own decisions are in <see cref="ByokOptions"/>. System.Text.Json and Newtonsoft.Json omit the secrets without an error:
/// store these settings with <see cref="ByokKeySettingsJson"/>. Other serializers may write the secrets unencrypted.
/// </remarks>
public sealed class ByokKeySettings
{
    private bool _isPlatform; // a field that no JSON and no configuration can set, so that no customer can choose the platform key

    /// <summary>
    /// Settings of a tenant that has no key of its own: its data is encrypted under the host's platform key (<c>AddPlatformKey</c>).
    /// </summary>
    /// <remarks>
    /// <para>
    /// Returned by the host's <see cref="IByokKeySettingsStore"/>, and only there. No JSON and no configuration can express it, so a
    /// customer cannot choose it. The library never uses the platform key for a tenant whose store did not return this. Without
    /// <c>AddPlatformKey</c>, the tenant's key ring throws <see cref="Microsoft.Extensions.Options.OptionsValidationException"/>.
    /// </para>
    /// <para>
    /// <see cref="KeyArn"/>, <see cref="Credentials"/> and <see cref="ReplicaRegions"/> stay empty. <see cref="PreviousKeys"/> may have the
    /// key of a customer that no longer brings one, so that its data can still be read.
    /// </para>
    /// </remarks>
    /// <value>A new object at each access.</value>
    public static ByokKeySettings Platform => new() { _isPlatform = true };

    /// <summary>
    /// The full ARN of the symmetric KMS key that encrypts, for example <c>arn:aws:kms:us-east-1:111122223333:key/mrk-…</c>. Required.
    /// </summary>
    public string? KeyArn { get; set; }

    /// <summary>The credentials for the key. Required.</summary>
    public ByokCredentialSettings Credentials { get; set; } = new();

    /// <summary>
    /// The Regions that have a replica of the key; for a multi-Region key only. Default: none. In configuration a list, or one text with
    /// commas.
    /// </summary>
    public IList<string> ReplicaRegions { get; set; } = [];

    /// <summary>
    /// Keys that no longer encrypt but may still decrypt existing messages. Default: none. At most
    /// <see cref="ByokOptions.MaxPreviousKeys"/>.
    /// </summary>
    /// <remarks>Their Regions must be among <see cref="ByokOptions.AllowedRegions"/>.</remarks>
    public IList<ByokPreviousKeySettings> PreviousKeys { get; set; } = [];

    /// <summary>Whether the tenant uses the platform key.</summary>
    internal bool IsPlatform => _isPlatform;

    /// <summary>The key ARN and the credentials type, without any secret.</summary>
    public override string ToString() => IsPlatform ? "(platform key)" : $"{KeyArn ?? "(no key ARN)"}, {Credentials}";
}
