namespace Scalr.Byok.Kms;

/// <summary>How a request to AWS ended.</summary>
public enum ByokAuditOutcome
{
    /// <summary>Not set.</summary>
    Unknown,

    /// <summary>AWS accepted the request.</summary>
    Success,

    /// <summary>AWS answered with an error: <see cref="ByokAuditRecord.ErrorCode"/>.</summary>
    Error,

    /// <summary>
    /// No answer of AWS arrived, or one without a request id, for example from a proxy. It is not known whether AWS carried out the
    /// request.
    /// </summary>
    NoAnswer,
}
