namespace Scalr.Byok.Kms.Credentials;

/// <summary>A strategy that assumes a role, seen from the verification: what the role's trust policy should say, and whether it says too much.</summary>
internal interface IRoleStrategy
{
    /// <summary>The STS action, as IAM names it.</summary>
    string Action { get; }

    /// <summary>What the role's trust should be.</summary>
    /// <exception cref="ByokServiceException">The host's token provider failed.</exception>
    Task<RoleTrust> DescribeTrustAsync(ByokCredentialSettings credentials, CancellationToken cancellationToken);

    /// <summary>Asks AWS STS for the role as a stranger could ask for it: without the external ID, or with a token of another subject. The session is not kept.</summary>
    /// <remarks>Calls <paramref name="sends"/> when it does ask.</remarks>
    /// <returns>False if that cannot be tried.</returns>
    /// <exception cref="Amazon.Runtime.AmazonServiceException">AWS STS refused: as it should be.</exception>
    Task<bool> AssumeAsStrangerAsync(ByokCredentialSettings credentials, KmsKeyArn keyArn, Action sends, CancellationToken cancellationToken);
}
