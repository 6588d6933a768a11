namespace Scalr.Byok.Kms;

/// <summary>
/// The parent of everything this library throws about keys, services and messages. Catch it to catch them all; look at
/// <see cref="IsTransient"/> to learn whether trying again can help. Mistakes in calling code stay <see cref="ArgumentException"/>,
/// a cancelled call stays <see cref="OperationCanceledException"/>.
/// </summary>
public abstract class ByokException : Exception
{
    /// <summary>An exception with its message.</summary>
    /// <param name="message">What happened, to which key, and what to do next.</param>
    private protected ByokException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and its cause.</summary>
    /// <param name="message">What happened, to which key, and what to do next.</param>
    /// <param name="innerException">The operational fault behind it, if there is one.</param>
    private protected ByokException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the same call may succeed later without anybody changing anything.</summary>
    public abstract bool IsTransient { get; }
}
