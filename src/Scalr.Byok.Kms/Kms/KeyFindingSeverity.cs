namespace Scalr.Byok.Kms;

/// <summary>How bad a <see cref="KeyFinding"/> is.</summary>
public enum KeyFindingSeverity
{
    /// <summary>Worth knowing; the key is healthy.</summary>
    Information,

    /// <summary>The key works, but something is missing or will go wrong; the key is degraded.</summary>
    Warning,

    /// <summary>The key cannot be used; it is unhealthy.</summary>
    Error,
}
