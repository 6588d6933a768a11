using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms;

/// <summary>AWS KMS or AWS STS could not serve the call, or the host's own AWS identity is not accepted. The customer's key is not to blame.</summary>
/// <remarks>Where <see cref="IsTransient"/> is true, try later; where it is false, the host's operator has to mend something first.</remarks>
public sealed class ByokServiceException : ByokException
{
    /// <summary>An exception that says what went wrong and whether it passes by itself.</summary>
    /// <param name="message">What happened, and what to do next.</param>
    /// <param name="isTransient">Whether the same call may succeed later with nothing changed by anybody.</param>
    /// <param name="innerException">The cause.</param>
    public ByokServiceException(string message, bool isTransient = true, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>The action that failed, as IAM names it: <c>kms:Encrypt</c>, <c>sts:AssumeRole</c> and so on; null where it was not an AWS call.</summary>
    public string? Operation { get; init; }

    /// <summary>The Region that was asked; null where it was not an AWS call.</summary>
    public string? Region { get; init; }

    /// <summary>The id AWS gave the request, to quote to AWS Support; null if AWS gave none.</summary>
    public string? RequestId { get; init; }

    /// <summary>How long AWS asks to wait before the next try; null if it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the retries and breakers make of it.</summary>
    internal ServiceTrouble Trouble { get; init; }

    /// <summary>Whether AWS refused the request because this machine's clock and AWS's differ. AWS is alive, so no breaker counts it.</summary>
    internal bool IsClockOff { get; init; }

    /// <summary>The error code that AWS answered, if it is one of those that the library knows.</summary>
    internal string? Code { get; init; }

    /// <inheritdoc/>
    public override bool IsTransient { get; }
}
