using Amazon.Runtime;

namespace Scalr.Byok.Kms;

/// <summary>
/// One type of credentials that customers can use. AccessKeys, AssumeRole and Oidc are built in; <c>AddCredentialStrategy</c> adds others.
/// </summary>
/// <remarks>Implementations are singletons and must be safe for concurrent use.</remarks>
public interface IByokCredentialStrategy
{
    /// <summary>The value of <see cref="ByokCredentialSettings.Type"/> that selects this strategy. Not case-sensitive.</summary>
    string Type { get; }

    /// <summary>
    /// Returns all validation errors of the fields, each with its field and without any secret; empty if the fields are valid.
    /// </summary>
    /// <remarks>Called at start and before settings are used. Must not call AWS and must not throw for invalid input.</remarks>
    /// <param name="credentials">The settings that the customer typed.</param>
    IEnumerable<string> Validate(ByokCredentialSettings credentials);

    /// <summary>Creates the credentials for the AWS SDK, once per key and Region of a key ring. The ring keeps them.</summary>
    /// <remarks>
    /// Called only with settings without errors of <see cref="Validate"/>. A result that is <see cref="IDisposable"/> is disposed with the
    /// key ring.
    /// </remarks>
    /// <param name="credentials">The settings that the customer typed.</param>
    /// <param name="context">
    /// The tenant and the keys: to prove the tenant to AWS, to call AWS STS in the key's Region, and to restrict sessions to these keys.
    /// </param>
    AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context);
}
