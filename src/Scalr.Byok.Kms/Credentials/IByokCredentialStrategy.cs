using Amazon.Runtime;

namespace Scalr.Byok.Kms;

/// <summary>One kind of credentials a customer can hand over. AccessKeys, AssumeRole and Oidc are built in; more come by <c>AddCredentialStrategy</c>.</summary>
/// <remarks>Implementations are singletons and must be safe for concurrent use.</remarks>
public interface IByokCredentialStrategy
{
    /// <summary>The value of <see cref="ByokCredentialSettings.Type"/> that selects this strategy; compared without regard to case.</summary>
    string Type { get; }

    /// <summary>Every complaint about the fields, each naming its field and never quoting a secret; empty if all is well.</summary>
    /// <remarks>Called at start and before settings are used. Must not call AWS and must not throw for bad input.</remarks>
    /// <param name="credentials">What the customer typed.</param>
    IEnumerable<string> Validate(ByokCredentialSettings credentials);

    /// <summary>Credentials for the AWS SDK, made once for a key ring and kept by it.</summary>
    /// <remarks>Called with settings that <see cref="Validate"/> found nothing wrong with. A result that is <see cref="IDisposable"/> is disposed with the key ring.</remarks>
    /// <param name="credentials">What the customer typed.</param>
    AWSCredentials CreateCredentials(ByokCredentialSettings credentials);

    /// <summary>
    /// As <see cref="CreateCredentials(ByokCredentialSettings)"/>, for a strategy that needs to know the keys: to ask AWS STS in the key's Region, or
    /// to make sessions that can do no more than use these keys. The library calls this one.
    /// </summary>
    /// <param name="credentials">What the customer typed.</param>
    /// <param name="keyArns">All keys of the customer, replicas and previous keys included; the first is the one that the credentials will be used for.</param>
    AWSCredentials CreateCredentials(ByokCredentialSettings credentials, IReadOnlyList<KmsKeyArn> keyArns) => CreateCredentials(credentials);
}
