namespace Scalr.Byok.Kms;

/// <summary>A key that a customer used before: it may still decrypt, and never encrypts.</summary>
/// <remarks>Its Region need not be among <see cref="ByokOptions.AllowedRegions"/>, so that narrowing that list locks nobody out of old data.</remarks>
public sealed class ByokPreviousKeySettings
{
    /// <summary>The full ARN of the KMS key. Required.</summary>
    public string? KeyArn { get; set; }

    /// <summary>How the host gets at the key. Required.</summary>
    public ByokCredentialSettings Credentials { get; set; } = new();

    /// <summary>The key ARN and the credentials type; no secret.</summary>
    public override string ToString() => $"{KeyArn ?? "(no key ARN)"}, {Credentials}";
}
