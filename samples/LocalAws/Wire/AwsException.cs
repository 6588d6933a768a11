namespace LocalAws.Wire;

/// <summary>
/// An error as AWS names it. It travels to the client in the service's own format; the in-process API shows it as the
/// <see cref="InvalidOperationException"/> that it is.
/// </summary>
internal sealed class AwsException : InvalidOperationException
{
    public AwsException(string code, string? message = null, int status = StatusCodes.Status400BadRequest)
        : base(message ?? code)
    {
        Code = code;
        Text = message;
        Status = status;
    }

    public string Code { get; }

    /// <summary>What the client reads; null where AWS, too, sends no message.</summary>
    public string? Text { get; }

    public int Status { get; }

    public TimeSpan? RetryAfter { get; init; }
}
