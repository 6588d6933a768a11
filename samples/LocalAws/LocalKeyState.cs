namespace LocalAws;

/// <summary>The key states of AWS KMS, as DescribeKey names them.</summary>
public static class LocalKeyState
{
    /// <summary>The key can be used.</summary>
    public const string Enabled = "Enabled";

    /// <summary>The key is disabled: requests fail with DisabledException.</summary>
    public const string Disabled = "Disabled";

    /// <summary>A replica that is not ready yet.</summary>
    public const string Creating = "Creating";

    /// <summary>A multi-Region key whose primary Region is changing; it can be used, not managed.</summary>
    public const string Updating = "Updating";

    /// <summary>The key waits for its deletion date.</summary>
    public const string PendingDeletion = "PendingDeletion";

    /// <summary>A primary key is scheduled for deletion and waits for the deletion of its replicas.</summary>
    public const string PendingReplicaDeletion = "PendingReplicaDeletion";

    /// <summary>A key of origin EXTERNAL has no key material: it was never imported, was deleted or has expired.</summary>
    public const string PendingImport = "PendingImport";

    /// <summary>The custom key store of the key is not connected.</summary>
    public const string Unavailable = "Unavailable";

    internal static bool IsKnown(string state) =>
        state is Enabled or Disabled or Creating or Updating or PendingDeletion or PendingReplicaDeletion or PendingImport or Unavailable;
}
