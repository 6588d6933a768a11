using Amazon.Runtime;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>A host's own kind of credentials: looked up by the audience, as a name, in a store of the host.</summary>
internal sealed class VaultStrategy : IByokCredentialStrategy
{
    private readonly Vault _vault;

    public VaultStrategy(Vault vault) => _vault = vault;

    public string Type => _vault.Type;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials) =>
        credentials.Audience is null ? ["Audience is missing; it names the entry in the vault."] : [];

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
    {
        var (id, secret) = _vault.Entries[credentials.Audience!];
        return new BasicAWSCredentials(id, secret);
    }
}
