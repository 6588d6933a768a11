namespace LocalAws;

/// <summary>What a <see cref="Fault"/> does.</summary>
public enum FaultKind
{
    /// <summary>An error in the service's own format.</summary>
    Error,

    /// <summary>The usual answer, late.</summary>
    Latency,

    /// <summary>The usual answer, when the test releases it.</summary>
    Hold,

    /// <summary>The connection is reset before an answer.</summary>
    Drop,

    /// <summary>Half of the usual answer, then silence.</summary>
    StalledBody,

    /// <summary>Half of the usual answer, then a reset.</summary>
    CutBody,

    /// <summary>Silence.</summary>
    BlackHole,

    /// <summary>Something else than AWS would answer.</summary>
    Body,

    /// <summary>More than AWS would ever answer.</summary>
    LongBody,

    /// <summary>The server's clock is wrong for this request.</summary>
    ClockSkew,

    /// <summary>ThrottlingException above a rate.</summary>
    Throttle,
}
