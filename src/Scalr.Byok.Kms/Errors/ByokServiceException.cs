using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms;

/// <summary>
/// Thrown if AWS KMS or AWS STS gave no usable answer, or the host's own AWS identity, token, platform key or clock is the cause. The
/// customer's key is not the cause.
/// </summary>
/// <remarks>
/// If <see cref="IsTransient"/> is true, retry later. Otherwise the host's operator has to correct something first. If AWS denies the use
/// of the platform key (<c>AddPlatformKey</c>), the inner exception is a <see cref="ByokKeyUnavailableException"/> with the reason.
/// </remarks>
public sealed class ByokServiceException : ByokException
{
    /// <summary>Creates an exception with a message.</summary>
    /// <param name="message">What happened, and what to do next.</param>
    /// <param name="isTransient">Whether the same call may succeed later without any change. Default: true.</param>
    /// <param name="innerException">The cause.</param>
    public ByokServiceException(string message, bool isTransient = true, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>
    /// The action that failed, as IAM names it, for example <c>kms:Encrypt</c> or <c>sts:AssumeRole</c>; null if it was no call to AWS.
    /// </summary>
    public string? Operation { get; init; }

    /// <summary>The Region of the call; null if it was no call to AWS.</summary>
    public string? Region { get; init; }

    /// <summary>The id of the AWS request, for AWS Support; null if AWS returned none.</summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// How long to wait before a retry: as AWS asks, until an open circuit breaker lets a call pass, or until it is the turn of a session
    /// that waits to start. Null if that is not known.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The kind of the failure, for retries and circuit breakers.</summary>
    internal ServiceFailureKind FailureKind { get; init; }

    /// <summary>Whether AWS rejected the request because the clocks differ. AWS answers, so no circuit breaker counts it.</summary>
    internal bool IsClockOff { get; init; }

    /// <summary>Whether a part of the host failed, although AWS reported it and a later call may succeed.</summary>
    internal bool IsOfHost { get; init; }

    /// <summary>
    /// Whether the time limit of the attempt was noticed late, because the host had no free thread. AWS may have answered, so no breaker
    /// counts it.
    /// </summary>
    internal bool IsHostLate { get; init; }

    /// <summary>Whether the address that did not answer is configured by the operator, so that waiting may not help.</summary>
    internal bool IsAtConfiguredAddress { get; init; }

    /// <summary>The error code of AWS, if the library knows it.</summary>
    internal string? Code { get; init; }

    /// <inheritdoc/>
    public override bool IsTransient { get; }
}
