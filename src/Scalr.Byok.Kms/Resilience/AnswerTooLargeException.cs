namespace Scalr.Byok.Kms.Resilience;

/// <summary>What answered in the place of AWS said more than AWS ever does (<see cref="AnswerLimit"/>).</summary>
/// <remarks>An <see cref="IOException"/>, since this is what the AWS SDK expects of a body that cannot be read. It quotes nothing of the answer.</remarks>
internal sealed class AnswerTooLargeException : IOException
{
    public AnswerTooLargeException()
        : base($"AWS answered with more than {AnswerLimit.MaxBodyLength >> 20} MiB")
    {
    }

    /// <summary>The exception of this type among an exception and its causes: the AWS SDK wraps what stops it from reading an answer.</summary>
    public static AnswerTooLargeException? In(Exception? error)
    {
        while (error is not (null or AnswerTooLargeException))
        {
            error = error.InnerException;
        }

        return (AnswerTooLargeException?)error;
    }
}
