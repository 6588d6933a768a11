using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>
/// Answers that no one can read are an outage, for every kind of request. Only the host's own credentials can be the host's fault.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class UnreadableAnswersTests
{
    private readonly string _type;
    private ByokWorld _world = null!;

    public UnreadableAnswersTests(string type) => _type = type;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [SetUp]
    public void Reset() => _world.Aws.Faults.Clear();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(500, """{"message":{}}""")]
    [TestCase(503, """{"message":[]}""")]
    [TestCase(500, """{"__type":[]}""")]
    [TestCase(502, """{"__type":{"a":1}}""")]
    [TestCase(500, """{"code":7}""")]
    [TestCase(500, "null")]
    [TestCase(500, "[")]
    [TestCase(400, """{"message":{}}""")]
    [TestCase(403, """{"__type":[]}""")]
    [TestCase(404, "not here")]
    [TestCase(204, "")]
    [TestCase(200, "junk")]
    [TestCase(200, "[]")]
    [TestCase(200, """{"KeyId":{}}""")]
    [TestCase(200, """{"CiphertextBlob":"!","Plaintext":"!"}""")]
    public async Task What_cannot_be_read_is_an_outage(int status, string body)
    {
        foreach (var operation in Operations())
        {
            _world.Aws.Faults.Clear();
            var ring = _world.Ring(_type);
            var message = operation == "Decrypt" ? await ring.EncryptAsync(new byte[1]) : null;
            _world.Aws.Faults.Add(Fault.Body(status, "application/x-amz-json-1.1", body) with { Operation = operation });

            var thrown = await Assert.ThrowsAsync<ByokServiceException>(
                async () => _ = message is null ? await ring.EncryptAsync(new byte[1]) : await ring.DecryptAsync(message), operation);

            Assert.That((thrown!.IsTransient, thrown.Operation![4..]), Is.EqualTo((true, operation)), thrown.ToString());
            Assert.That(
                thrown.Message,
                Does.Not.Contain("identity").And.Contain("The key itself is not the cause").Or.Contain("Try again later"),
                operation);
        }
    }

    [Test]
    public async Task Credentials_of_the_host_that_are_not_found_are_the_hosts_to_mend()
    {
        var services = _world.Services();
        services.AddScalrByok()
            .UseHostCredentials(_ => new NoCredentials())
            .AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings(_type).Credentials));
        var ring = _world.Build(services).GetRequiredService<IByokKeyRing>();

        if (_type != ByokCredentialSettings.AssumeRoleType)
        {
            Assert.That(await ring.EncryptAsync(new byte[1]), Is.Not.Empty, "they are not needed");
            return;
        }

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
        Assert.That(thrown!.Message, Does.StartWith("The host's own AWS identity was not found, so sts:AssumeRole for the key"));
        Assert.That(thrown.IsTransient, Is.False);
    }

    private IEnumerable<string> Operations() => _type switch
    {
        ByokCredentialSettings.AssumeRoleType => ["AssumeRole", "Encrypt", "Decrypt"],
        ByokCredentialSettings.OidcType => ["AssumeRoleWithWebIdentity", "Encrypt", "Decrypt"],
        _ => ["Encrypt", "Decrypt"],
    };

    /// <summary>As the AWS SDK's own chain says that it found nothing.</summary>
    private sealed class NoCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw new AmazonClientException("Failed to resolve AWS credentials.");

        public override Task<ImmutableCredentials> GetCredentialsAsync() =>
            Task.FromException<ImmutableCredentials>(new AmazonClientException("Failed to resolve AWS credentials."));
    }
}
