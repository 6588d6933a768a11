using LocalAws.Iam;

namespace LocalAws.Wire;

/// <summary>One AWS service: finds the operation of a request, answers it, and writes errors in its own format.</summary>
internal interface IService
{
    /// <summary>The name in the credential scope: kms or sts.</summary>
    string Name { get; }

    /// <summary>Reads the operation. Never throws: errors of the request are reported when it is answered.</summary>
    Call Open(WireRequest request);

    Answer Refuse(AwsException error);

    AwsException Refusal(NotAuthenticatedException reason);
}

/// <summary>One request to one operation, before its caller is authenticated.</summary>
internal abstract class Call
{
    public abstract string Operation { get; }

    /// <summary>The ARN of the key or role that the request is about, as far as it is known without trusting the caller.</summary>
    public abstract string? Subject { get; }

    /// <summary>False for the few operations that AWS, too, answers without a signature.</summary>
    public virtual bool IsSigned => true;

    /// <summary>The encryption context of the request; null where there is none or it cannot be read.</summary>
    public virtual IReadOnlyDictionary<string, string>? EncryptionContext => null;

    /// <summary>The name of the session that the request begins; null for any other request.</summary>
    public virtual string? SessionName => null;

    /// <param name="caller">Null only where <see cref="IsSigned"/> is false.</param>
    /// <param name="cancellationToken">Cancelled when the client disconnects.</param>
    /// <exception cref="AwsException">Every denial.</exception>
    public abstract Task<Answer> AnswerAsync(Caller? caller, CancellationToken cancellationToken);
}
