using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms;

/// <summary>
/// Thrown if the customer's KMS key, or the permission to use it, cannot be used. Tell the customer: it is neither a bug nor an outage.
/// </summary>
/// <remarks>
/// <see cref="Exception.Message"/> and <see cref="Remedy"/> can be shown to the customer. IAM and KMS are eventually consistent: a change
/// by the customer can take minutes to be effective ("Changes that I make are not always immediately visible" in the AWS IAM User Guide).
/// </remarks>
public sealed class ByokKeyUnavailableException : ByokException
{
    /// <summary>Creates an exception for one key and one reason. The message and the remedy follow from them.</summary>
    /// <param name="keyArn">The key.</param>
    /// <param name="reason">Why the key cannot be used.</param>
    /// <param name="operation">The denied action, as IAM names it, for example <c>kms:Encrypt</c>.</param>
    /// <param name="requestId">The AWS request id, if there is one.</param>
    /// <param name="innerException">The AWS SDK's exception, unless its text may repeat what was sent.</param>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="reason"/> is not a defined value.</exception>
    public ByokKeyUnavailableException(
        KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string operation, string? requestId = null, Exception? innerException = null)
        : this(keyArn, reason, operation, Describe(keyArn, reason, operation), requestId, innerException)
    {
    }

    /// <summary>The same denial, with a sentence more at the end of the message.</summary>
    internal ByokKeyUnavailableException(ByokKeyUnavailableException denial, string more)
        : this(
            denial.KeyArn,
            denial.Reason,
            denial.Operation,
            ($"{denial.Message} {more}", denial.Remedy),
            denial.RequestId,
            denial.InnerException) =>
        (IsOfHost, OthersAreAccepted) = (denial.IsOfHost, denial.OthersAreAccepted);

    private ByokKeyUnavailableException(
        KmsKeyArn keyArn,
        ByokKeyUnavailableReason reason,
        string operation,
        (string Message, string Remedy) text,
        string? requestId,
        Exception? inner)
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

    /// <summary>What the customer can do about it. <see cref="Exception.Message"/> contains the same text.</summary>
    public string Remedy { get; }

    /// <summary>The denied action, as IAM names it, for example <c>kms:Encrypt</c>, <c>kms:Decrypt</c> or <c>sts:AssumeRole</c>.</summary>
    public string Operation { get; }

    /// <summary>The Region of the key.</summary>
    public string Region => KeyArn.Region;

    /// <summary>The id of the AWS request, for CloudTrail or AWS Support; null if AWS returned none.</summary>
    public string? RequestId { get; }

    /// <summary>Always <see langword="false"/>: the customer or the operator has to change something first.</summary>
    public override bool IsTransient => false;

    /// <summary>Whether the key is the host's platform key, so that no customer can act.</summary>
    internal bool IsOfHost { get; init; }

    /// <summary>
    /// Whether AWS has accepted a request of the same operation that was sent after this denial arrived. Then the denial concerns the
    /// caller's message, not the key, unless the permission changed in between.
    /// </summary>
    internal bool OthersAreAccepted { get; set; }

    /// <summary>
    /// The exception that callers get: this one, or for the platform key a <see cref="ByokServiceException"/>, because no customer can act.
    /// </summary>
    internal ByokException ForCaller() => !IsOfHost ? this : new ByokServiceException(
        $"The host's platform key {KeyArn} cannot be used. {Remedies.For(Reason, KeyArn, Operation).Happened} {Remedy} "
            + "This is for the host's operator to correct, not for the customer.",
        isTransient: false,
        this)
    {
        Operation = Operation,
        Region = Region,
        RequestId = RequestId,
    };

    private static (string Message, string Remedy) Describe(KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        var (happened, remedy) = Remedies.For(reason, keyArn, operation);
        return ($"The key {keyArn} cannot be used. {happened} {remedy}", remedy);
    }
}
