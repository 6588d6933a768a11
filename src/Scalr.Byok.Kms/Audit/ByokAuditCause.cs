namespace Scalr.Byok.Kms;

/// <summary>Why a request to AWS was sent.</summary>
public enum ByokAuditCause
{
    /// <summary>Not set.</summary>
    Unknown,

    /// <summary>A call of the host needed the answer.</summary>
    Call,

    /// <summary>To confirm that AWS still accepts the key, or to find out what a denial concerns.</summary>
    Confirmation,

    /// <summary>To renew a data key before it expires, or a session that AWS KMS no longer accepts.</summary>
    Renewal,

    /// <summary>To check that the role can still be assumed. The new session replaces the current one.</summary>
    RoleCheck,

    /// <summary>A health query of <see cref="IByokKeyRing.ProbeAsync"/> or the health check.</summary>
    Probe,

    /// <summary>A verification by <see cref="IByokVerifier"/>.</summary>
    Verification,
}
