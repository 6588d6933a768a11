namespace Scalr.Byok.Kms;

/// <summary>
/// The base class of the exceptions of this library about keys, services and messages.
/// </summary>
/// <remarks>
/// <see cref="IsTransient"/> says whether a retry can succeed. Mistakes in calling code throw <see cref="ArgumentException"/> and the like;
/// a cancelled call throws <see cref="OperationCanceledException"/>.
/// </remarks>
public abstract class ByokException : Exception
{
    /// <summary>Creates an exception with its message.</summary>
    /// <param name="message">What happened, to which key, and what to do next.</param>
    private protected ByokException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with its message and its cause.</summary>
    /// <param name="message">What happened, to which key, and what to do next.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    private protected ByokException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the same call may succeed later without any change by the customer or the operator.</summary>
    public abstract bool IsTransient { get; }
}
