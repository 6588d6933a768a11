namespace LocalAws;

/// <summary>What a <see cref="Fault"/> does.</summary>
public enum FaultKind
{
    /// <summary>An error in the service's own format.</summary>
    Error,

    /// <summary>The usual answer, after a delay.</summary>
    Latency,

    /// <summary>The usual answer, when the test releases it.</summary>
    Hold,

    /// <summary>The connection is reset before an answer.</summary>
    Drop,

    /// <summary>Half of the usual answer, then nothing.</summary>
    StalledBody,

    /// <summary>Half of the usual answer, then a reset.</summary>
    CutBody,

    /// <summary>No answer.</summary>
    BlackHole,

    /// <summary>An answer that AWS does not send.</summary>
    Body,

    /// <summary>An answer that is longer than any answer of AWS.</summary>
    LongBody,

    /// <summary>The server's clock is wrong for this request.</summary>
    ClockSkew,

    /// <summary>ThrottlingException above a rate.</summary>
    Throttle,
}
