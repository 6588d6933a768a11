using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One call to AWS KMS, and the facts about its last attempt. Not safe for concurrent use.</summary>
internal sealed class KmsCall
{
    private readonly ByokAuditCause _cause;

    /// <param name="operation">An <see cref="AwsAction"/>.</param>
    public KmsCall(string operation)
    {
        Operation = operation;
        Stage = operation;
    }

    /// <summary>The requested action.</summary>
    public string Operation { get; }

    /// <summary>Whether the call only confirms the key. It needs no place in the concurrency limit and passes an open breaker.</summary>
    public bool IsConfirmation { get; init; }

    /// <summary>Why the call is made, for audit records.</summary>
    public ByokAuditCause Cause
    {
        get => _cause != ByokAuditCause.Unknown ? _cause
            : IsConfirmation ? ByokAuditCause.Confirmation
            : Operation == AwsAction.DescribeKey ? ByokAuditCause.Probe // health and key events only
            : ByokAuditCause.Call;
        init => _cause = value;
    }

    /// <summary>Whether a denial is the expected result. It is then not logged.</summary>
    public bool ExpectsDenial { get; init; }

    /// <summary>The action that is under way: an STS action while a session is obtained.</summary>
    public string Stage { get; set; }

    /// <summary>Whether the last attempt waits for a session of a role, or ended while it waited.</summary>
    public bool IsAwaitingSession { get; set; }

    /// <summary>The request for a session, or the current session; null without a role.</summary>
    public Task<AwsSession>? SessionRequest { get; set; }

    /// <summary>When the call asked for that session.</summary>
    public Moment SessionAsked { get; set; } = Moment.Never;

    /// <summary>Whether a request that a role's strategy sends waits for the host's token provider.</summary>
    public bool IsAskingHost { get; set; }

    /// <summary>The Region that was tried last: 0 for the key's own, then its replicas.</summary>
    public int Region { get; set; }

    /// <summary>The moment before the last request to AWS KMS was sent.</summary>
    public Moment Sent { get; set; } = Moment.Never;

    /// <summary>The moment before the first request to AWS was sent, session requests included; null if none was sent.</summary>
    public Moment? FirstSent { get; set; }

    /// <summary>The timestamp at which the last attempt and its time limit began.</summary>
    public long AttemptBegan { get; set; }

    /// <summary>The session that signed the last request; null without a role.</summary>
    public AwsSession? Session { get; set; }

    /// <summary>Whether a session that AWS KMS no longer accepts was replaced during this call. That happens at most once.</summary>
    public bool WasSessionReplaced { get; set; }

    /// <summary>The error of the last attempt.</summary>
    public ByokException? LastError { get; set; }

    /// <summary>The id of the last request that AWS KMS accepted; null if there is none.</summary>
    public string? RequestId { get; set; }

    /// <summary>The number of attempts that were started.</summary>
    public int Attempts { get; set; }

    /// <summary>The measurement of the last request; null if there is no listener.</summary>
    public AwsAttempt? Request { get; set; }
}
