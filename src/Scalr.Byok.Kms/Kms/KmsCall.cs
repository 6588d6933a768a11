using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One call to AWS KMS: what it asks, and what is known of its last attempt. Used by one task at a time.</summary>
internal sealed class KmsCall
{
    /// <param name="operation">An <see cref="AwsAction"/>.</param>
    public KmsCall(string operation)
    {
        Operation = operation;
        Stage = operation;
    }

    /// <summary>The action that is asked.</summary>
    public string Operation { get; }

    /// <summary>Whether the call's only purpose is to learn if the key may be used. It has a reserved place and passes an open breaker.</summary>
    public bool IsConfirmation { get; init; }

    /// <summary>Whether a denial is the expected result, which is not logged.</summary>
    public bool ExpectsDenial { get; init; }

    /// <summary>The action that is under way: an STS action while a session is obtained.</summary>
    public string Stage { get; set; }

    /// <summary>The Region that was asked last: 0 for the key's own, then its replicas.</summary>
    public int Region { get; set; }

    /// <summary>The moment before the last request to AWS KMS was sent.</summary>
    public Moment Sent { get; set; } = Moment.Never;

    /// <summary>The moment before the first request to AWS was sent, session requests included; null if none was.</summary>
    public Moment? FirstSent { get; set; }

    /// <summary>The session that signed the last request; null where there are no sessions.</summary>
    public AwsSession? Session { get; set; }

    /// <summary>Whether a session that AWS KMS no longer accepts was replaced during this call, which is done once.</summary>
    public bool WasSessionReplaced { get; set; }

    /// <summary>Why the last attempt failed.</summary>
    public ByokException? LastError { get; set; }

    /// <summary>How many attempts were begun.</summary>
    public int Attempts { get; set; }

    /// <summary>The measured request that was sent last; null if nobody listens.</summary>
    public AwsAttempt? Request { get; set; }
}
