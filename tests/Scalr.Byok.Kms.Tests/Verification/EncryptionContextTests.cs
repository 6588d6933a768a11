using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>Policies with conditions on the encryption context: the verification tries what a key ring sends, or what it is told to try.</summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class EncryptionContextTests
{
    private const string Secretive = "value-in-no-message-5b1e";

    private readonly string _type;
    private Connection _connection = null!;

    public EncryptionContextTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(_type);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task By_default_a_policy_that_admits_a_tenants_pair_alone_is_verified_without_one()
    {
        _connection.Permissions = Only("""
            "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": "scalr:tenant" }
            """);

        await _connection.AllPassAsync();
    }

    [Test]
    public async Task A_tenants_pair_is_tried_as_the_tenants_ring_sends_it()
    {
        _connection.Permissions = Conditional(new() { ["scalr:tenant"] = "acme" });

        await PassAsync(new() { Tenant = "acme" }, "with the encryption context that was tried");
        await PassAsync(new() { Tenant = "acme", EncryptionContext = Pairs(("record", "42")) }, "with the encryption context that was tried");
        await DeniedAsync(new() { Tenant = "another" });
        await DeniedAsync(new());
    }

    [Test]
    public async Task Given_pairs_are_tried()
    {
        _connection.Permissions = Conditional(new() { ["app"] = "byok" }, "record");

        await PassAsync(new() { EncryptionContext = Pairs(("app", "byok"), ("record", Secretive)) }, "with the encryption context that was tried");
        await DeniedAsync(new() { EncryptionContext = Pairs(("app", Secretive), ("record", "42")) });
        await DeniedAsync(new() { EncryptionContext = Pairs(("app", "byok")) });
    }

    [Test]
    public async Task The_pairs_of_a_tenants_data_key_are_tried()
    {
        _connection.Permissions = Conditional(new() { ["scalr:tenant"] = "acme", ["scalr:purpose"] = "data-key" });

        await PassAsync(new() { Tenant = "acme", EncryptionContext = Pairs(("scalr:purpose", "data-key")) }, "with the encryption context that was tried");
        await DeniedAsync(new() { Tenant = "acme" });
    }

    [Test]
    public async Task The_policy_of_a_denied_step_mends_it()
    {
        _connection.Permissions = Conditional(new() { ["scalr:tenant"] = "another" });
        var step = await DeniedAsync(new() { Tenant = "acme" });

        _connection.Permissions = step.Policy;

        await PassAsync(new() { Tenant = "acme" }, "with the encryption context that was tried");
    }

    [Test]
    public async Task Only_Decrypt_with_the_context_is_denied()
    {
        _connection.Permissions = $$"""
            { "Version": "2012-10-17", "Statement": [
              { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
              { "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*", "Condition": { "StringEquals": { "kms:EncryptionContext:scalr:tenant": "acme" } } } ] }
            """;

        var verification = await _connection.VerifyAsync(how: new() { Tenant = "acme" });

        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[Check.Decrypt, Check.Replica]), verification.ToString());
        await PassAsync(new() { Tenant = "another" }, "with the encryption context that was tried");
    }

    [Test]
    public async Task What_no_ring_sends_is_refused_without_a_request()
    {
        foreach (var how in (ByokVerificationOptions[])
        [
            new() { Tenant = "" },
            new() { Tenant = "\ud800" },
            new() { Tenant = "acme", EncryptionContext = Pairs(("scalr:tenant", Secretive)) },
            new() { EncryptionContext = Pairs(("scalr:purpose", Secretive)) },
            new() { EncryptionContext = Pairs(("aws-crypto-public-key", Secretive)) },
            new() { EncryptionContext = Pairs(("app", null!)) },
        ])
        {
            var thrown = await Assert.CatchAsync<ArgumentException>(() => _connection.VerifyAsync(how: how));

            Assert.That((thrown!.ParamName, thrown.Message.Contains(Secretive, StringComparison.Ordinal)), Is.EqualTo(("options", false)), thrown.Message);
        }

        Assert.That(_connection.World.Aws.Log.Requests, Is.Empty);
    }

    private static Dictionary<string, string> Pairs(params (string Key, string Value)[] pairs) => pairs.ToDictionary(pair => pair.Key, pair => pair.Value);

    private string Conditional(Dictionary<string, string> pairs, params string[] required) =>
        ByokPolicies.KeyPermissions(_connection.KeyArn, [Connection.ReplicaRegion], encryptionContext: pairs, requiredContextKeys: required);

    private static string Only(string conditions) => $$"""
        { "Version": "2012-10-17", "Statement": [
          { "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*" },
          { "Effect": "Allow", "Action": [ "kms:Encrypt", "kms:Decrypt" ], "Resource": "*", "Condition": { {{conditions}} } } ] }
        """;

    private async Task PassAsync(ByokVerificationOptions how, string said)
    {
        var verification = await _connection.VerifyAsync(how: how);

        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(verification.Steps.Single(step => step.Check == Check.Encrypt).Message, Is.EqualTo($"kms:Encrypt works, {said}."));
        Assert.That(verification.ToString(), Does.Not.Contain(Secretive));
    }

    /// <summary>kms:Encrypt alone is denied, and what it says names no value.</summary>
    private async Task<ByokVerificationStep> DeniedAsync(ByokVerificationOptions how)
    {
        var verification = await _connection.VerifyAsync(how: how);

        var step = verification.Steps.Single(step => step.Outcome == Failed);
        Assert.That((step.Check, step.Reason), Is.EqualTo((Check.Encrypt, (ByokKeyUnavailableReason?)ByokKeyUnavailableReason.AccessDenied)));
        Assert.That(step.Remedy, Does.EndWith("If a policy has kms:EncryptionContext conditions, they must admit the encryption context that was tried."));
        Assert.That($"{verification} {step.Remedy} {step.Policy}", Does.Not.Contain(Secretive).And.Not.Contain("acme").And.Not.Contain("\"another\""));
        return step;
    }
}
