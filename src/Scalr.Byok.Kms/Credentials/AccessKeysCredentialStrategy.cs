using Amazon.Runtime;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Credentials of type AccessKeys: the long-lived access key of an IAM user.</summary>
internal sealed class AccessKeysCredentialStrategy : IByokCredentialStrategy
{
    public string Type => ByokCredentialSettings.AccessKeysType;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials) =>
        CredentialRules.AccessKeyId(credentials.AccessKeyId)
            .Concat(CredentialRules.SecretAccessKey(credentials.SecretAccessKey))
            .Concat(CredentialRules.Superfluous(credentials, Type, nameof(credentials.AccessKeyId), nameof(credentials.SecretAccessKey)));

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) =>
        new BasicAWSCredentials(credentials.AccessKeyId, credentials.SecretAccessKey);
}
