namespace LocalAws;

/// <summary>The key states of AWS KMS, as DescribeKey names them.</summary>
public static class LocalKeyState
{
    /// <summary>Ready for use.</summary>
    public const string Enabled = "Enabled";

    /// <summary>Switched off; DisabledException.</summary>
    public const string Disabled = "Disabled";

    /// <summary>A replica that is not ready yet.</summary>
    public const string Creating = "Creating";

    /// <summary>A multi-Region key whose primary Region is changing; it can be used, not managed.</summary>
    public const string Updating = "Updating";

    /// <summary>Waiting for its deletion date.</summary>
    public const string PendingDeletion = "PendingDeletion";

    /// <summary>A primary key to be deleted, waiting for its replicas to go first.</summary>
    public const string PendingReplicaDeletion = "PendingReplicaDeletion";

    /// <summary>Origin EXTERNAL, and no key material, or none any more.</summary>
    public const string PendingImport = "PendingImport";

    /// <summary>In a custom key store that is not connected.</summary>
    public const string Unavailable = "Unavailable";

    internal static bool IsKnown(string state) =>
        state is Enabled or Disabled or Creating or Updating or PendingDeletion or PendingReplicaDeletion or PendingImport or Unavailable;
}
