namespace LocalAws.Iam;

/// <summary>Credentials and whom they stand for: an access key of a user, or a session of a role.</summary>
internal sealed class Identity
{
    public required string AccessKeyId { get; init; }

    public required string SecretAccessKey { get; init; }

    /// <summary>Null for long-lived access keys.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Null for long-lived access keys.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public required Caller Caller { get; init; }
}
