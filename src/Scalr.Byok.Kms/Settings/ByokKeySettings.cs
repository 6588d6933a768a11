namespace Scalr.Byok.Kms;

/// <summary>One customer's key settings: what the customer typed into the host's form.</summary>
/// <remarks>
/// What the host's operator decides stands in <see cref="ByokOptions"/>; the two are never mixed. Plain JSON of these settings omits the secrets
/// without notice: store them with <see cref="ByokKeySettingsJson"/>.
/// </remarks>
public sealed class ByokKeySettings
{
    /// <summary>The full ARN of the symmetric KMS key that encrypts, for example <c>arn:aws:kms:us-east-1:111122223333:key/mrk-…</c>. Required.</summary>
    public string? KeyArn { get; set; }

    /// <summary>How the host gets at the key. Required.</summary>
    public ByokCredentialSettings Credentials { get; set; } = new();

    /// <summary>Regions that hold a replica of the key; only for a multi-Region key. Default: none. In configuration a list, or one text with commas.</summary>
    public IList<string> ReplicaRegions { get; set; } = [];

    /// <summary>Keys that no longer encrypt but may still decrypt what they encrypted. Default: none.</summary>
    public IList<ByokPreviousKeySettings> PreviousKeys { get; set; } = [];

    /// <summary>The key ARN and the credentials type; no secret.</summary>
    public override string ToString() => $"{KeyArn ?? "(no key ARN)"}, {Credentials}";
}
