using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms;

/// <summary>The customer's KMS key, or the permission to use it, is not usable. Tell the customer; it is neither a bug nor an outage.</summary>
/// <remarks>
/// <see cref="Exception.Message"/> and <see cref="Remedy"/> are fit to be shown to the customer.
/// IAM and KMS are eventually consistent: a change the customer makes can need minutes to show.
/// </remarks>
public sealed class ByokKeyUnavailableException : ByokException
{
    /// <summary>An exception for one key and one reason; its message and remedy follow from them.</summary>
    /// <param name="keyArn">The key.</param>
    /// <param name="reason">Why it cannot be used.</param>
    /// <param name="operation">The action that was refused, as IAM names it, for example <c>kms:Encrypt</c>.</param>
    /// <param name="requestId">The AWS request id, if there is one.</param>
    /// <param name="innerException">The AWS SDK's exception, unless its text may repeat what was sent.</param>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="reason"/> is not a defined value.</exception>
    public ByokKeyUnavailableException(
        KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string operation, string? requestId = null, Exception? innerException = null)
        : this(keyArn, reason, operation, Describe(keyArn, reason, operation), requestId, innerException)
    {
    }

    private ByokKeyUnavailableException(
        KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string operation, (string Message, string Remedy) text, string? requestId, Exception? inner)
        : base(text.Message, inner)
    {
        KeyArn = keyArn;
        Reason = reason;
        Operation = operation;
        Remedy = text.Remedy;
        RequestId = requestId;
    }

    /// <summary>The customer's key.</summary>
    public KmsKeyArn KeyArn { get; }

    /// <summary>Why the key cannot be used.</summary>
    public ByokKeyUnavailableReason Reason { get; }

    /// <summary>What the customer can do about it, in one sentence.</summary>
    public string Remedy { get; }

    /// <summary>The action that was refused, as IAM names it: <c>kms:Encrypt</c>, <c>kms:Decrypt</c>, <c>sts:AssumeRole</c> and so on.</summary>
    public string Operation { get; }

    /// <summary>The Region that was asked.</summary>
    public string Region => KeyArn.Region;

    /// <summary>The id AWS gave the request, to look it up in CloudTrail or to quote to AWS Support; null if AWS gave none.</summary>
    public string? RequestId { get; }

    /// <summary>Always false: somebody has to change something first.</summary>
    public override bool IsTransient => false;

    private static (string Message, string Remedy) Describe(KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        var (happened, remedy) = Remedies.For(reason, keyArn, operation);
        return ($"The key {keyArn} cannot be used. {happened} {remedy}", remedy);
    }
}
