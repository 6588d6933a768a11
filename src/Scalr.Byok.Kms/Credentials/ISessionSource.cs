namespace Scalr.Byok.Kms.Credentials;

/// <summary>Begins the sessions of one role. At most one call at a time.</summary>
internal interface ISessionSource
{
    /// <summary>The Region of the requests.</summary>
    string Region { get; }

    /// <summary>Sends the request to AWS STS.</summary>
    /// <param name="sends">Called right before.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    Task<AwsSession> BeginAsync(Action sends, CancellationToken cancellationToken);
}
