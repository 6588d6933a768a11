using Amazon.Runtime;
using LocalAws;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host's own strategy, whose credentials work but cannot be disposed.</summary>
internal sealed class BrittleStrategy : IByokCredentialStrategy
{
    public static LocalAccessKey? AccessKey { get; set; }

    public string Type => "Brittle";

    public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) => new Brittle(AccessKey!);

    private sealed class Brittle : AWSCredentials, IDisposable
    {
        private readonly ImmutableCredentials _credentials;

        public Brittle(LocalAccessKey key) => _credentials = new ImmutableCredentials(key.AccessKeyId, key.SecretAccessKey, null);

        public override ImmutableCredentials GetCredentials() => _credentials;

        public void Dispose() => throw new InvalidOperationException("brittle");
    }
}
