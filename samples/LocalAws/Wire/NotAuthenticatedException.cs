namespace LocalAws.Wire;

/// <summary>Why a caller is not known; KMS and STS have different codes for the same reason.</summary>
internal enum NotAuthenticated
{
    Unsigned,
    Incomplete,
    UnknownCredentials,
    WrongSignature,
    Expired,
}

internal sealed class NotAuthenticatedException : Exception
{
    public NotAuthenticatedException(NotAuthenticated reason, string message)
        : base(message)
    {
        Reason = reason;
    }

    public NotAuthenticated Reason { get; }
}
