namespace Scalr.Byok.Kms.Audit;

/// <summary>The subject of a request, for its audit record.</summary>
/// <param name="Operation">An <see cref="Diagnostics.AwsAction"/>.</param>
/// <param name="KeyArn">The key, in the Region of the request.</param>
/// <param name="RoleArn">The role of an STS action; null otherwise.</param>
/// <param name="EncryptionContext">The encryption context, whose names are recorded; null without one.</param>
internal readonly record struct AuditSubject(
    string Operation,
    KmsKeyArn KeyArn,
    string? RoleArn = null,
    IReadOnlyDictionary<string, string>? EncryptionContext = null)
{
    /// <summary>Overridden because a record's default would name the dictionary's type.</summary>
    public override string ToString() => Operation;
}
