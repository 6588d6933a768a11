namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// A strategy that assumes a role. For the verification it also has the right trust policy, and finds whether the present one allows too
/// much.
/// </summary>
internal interface IRoleStrategy
{
    /// <summary>The STS action, as IAM names it.</summary>
    string Action { get; }

    /// <summary>Calls AWS STS for a session.</summary>
    /// <param name="role">The role.</param>
    /// <param name="wanted">The session.</param>
    /// <param name="sends">Called right before the request to AWS STS.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    Task<RoleSessions.Grant> AssumeAsync(
        AssumedRole role, RoleSessions.Wanted wanted, Action sends, CancellationToken cancellationToken);

    /// <summary>The trust policy that the role should have.</summary>
    /// <exception cref="ByokServiceException">The host's token provider failed.</exception>
    Task<RoleTrust> DescribeTrustAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, CancellationToken cancellationToken);

    /// <summary>
    /// Calls AWS STS for the role as an unrelated party could: without the external ID, or with a token of another subject. The session is
    /// discarded.
    /// </summary>
    /// <remarks>Invokes the delegate <paramref name="sends"/> immediately before the request is sent.</remarks>
    /// <returns>False if that cannot be tried.</returns>
    /// <exception cref="Amazon.Runtime.AmazonServiceException">AWS STS denied it, as it should.</exception>
    Task<bool> AssumeAsStrangerAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, Action sends, CancellationToken cancellationToken);
}
