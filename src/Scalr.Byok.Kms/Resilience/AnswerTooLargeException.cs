namespace Scalr.Byok.Kms.Resilience;

/// <summary>Thrown if an answer is longer than any answer of AWS (<see cref="AnswerLimit"/>).</summary>
/// <remarks>An <see cref="IOException"/>, as the AWS SDK expects for an unreadable body. Quotes nothing of the answer.</remarks>
internal sealed class AnswerTooLargeException : IOException
{
    public AnswerTooLargeException()
        : base($"AWS answered with more than {AnswerLimit.MaxBodyLength >> 20} MiB")
    {
    }

    /// <summary>
    /// Finds the exception of this type among an exception and its inner exceptions. If reading an answer fails, the AWS SDK wraps the
    /// error in an exception of its own.
    /// </summary>
    public static AnswerTooLargeException? In(Exception? error)
    {
        while (error is not (null or AnswerTooLargeException))
        {
            error = error.InnerException;
        }

        return (AnswerTooLargeException?)error;
    }
}
