using Amazon.Runtime;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Credentials of type AccessKeys: the long-lived access key of an IAM user.</summary>
internal sealed class AccessKeysCredentialStrategy : IByokCredentialStrategy
{
    public string Type => ByokCredentialSettings.AccessKeysType;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials)
    {
        var errors = new List<string>();
        CredentialRules.AccessKeyId(errors, credentials.AccessKeyId);
        CredentialRules.SecretAccessKey(errors, credentials.SecretAccessKey);
        CredentialRules.Superfluous(
            errors, credentials, Type, nameof(credentials.AccessKeyId), nameof(credentials.SecretAccessKey));
        return errors;
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) =>
        new BasicAWSCredentials(credentials.AccessKeyId, credentials.SecretAccessKey);
}
