namespace Scalr.Byok.Kms;

/// <summary>Whose move it is.</summary>
public enum KeyFindingOwner
{
    /// <summary>The customer who owns the key: show them the message and the remedy.</summary>
    Customer,

    /// <summary>The host's operator.</summary>
    Host,

    /// <summary>AWS: it passes by itself.</summary>
    Aws,
}
