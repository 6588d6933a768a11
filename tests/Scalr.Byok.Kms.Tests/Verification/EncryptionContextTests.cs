using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// Policies with conditions on the encryption context: the verification tries what a key ring sends, or what it is told to try.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
[Category("Slow")]
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

        await PassAsync("acme");
        await PassAsync("acme", Pairs(("record", "42")));
        await DeniedAsync("another");
        await DeniedAsync(tenant: null);
    }

    [Test]
    public async Task Given_pairs_are_tried()
    {
        _connection.Permissions = Conditional(new() { ["app"] = "byok" }, "record");

        await PassAsync(tenant: null, Pairs(("app", "byok"), ("record", Secretive)));
        await DeniedAsync(tenant: null, Pairs(("app", Secretive), ("record", "42")));
        await DeniedAsync(tenant: null, Pairs(("app", "byok")));
    }

    [Test]
    public async Task The_pairs_of_a_tenants_data_key_are_tried()
    {
        _connection.Permissions = Conditional(new() { ["scalr:tenant"] = "acme", ["scalr:purpose"] = "data-key" });

        await PassAsync("acme", forDataKeys: true);
        await DeniedAsync("acme");
    }

    [Test]
    public async Task The_policy_of_a_denied_step_mends_it()
    {
        _connection.Permissions = Conditional(new() { ["scalr:tenant"] = "another" });
        var step = await DeniedAsync("acme");

        _connection.Permissions = step.Policy;

        await PassAsync("acme");
    }

    [Test]
    public async Task Only_Decrypt_with_the_context_is_denied()
    {
        _connection.Permissions = $$"""
            { "Version": "2012-10-17", "Statement": [
              { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
              { "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*", "Condition": { "StringEquals": { "kms:EncryptionContext:scalr:tenant": "acme" } } } ] }
            """;

        var verification = await _connection.VerifyAsync(tenant: "acme");

        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[Check.Decrypt, Check.Replica]), verification.ToString());
        await PassAsync("another");
    }

    [Test]
    public async Task What_no_ring_sends_is_refused_without_a_request()
    {
        foreach (var (tenant, pairs, parameter) in ((string?, Dictionary<string, string>?, string)[])
        [
            ("", null, "tenant"),
            ("\ud800", null, "tenant"),
            (new string('a', 1001), null, "tenant"),
            ("acme", Pairs(("scalr:tenant", Secretive)), "options"),
            (null, Pairs(("scalr:tenant", Secretive)), "options"),
            (null, Pairs(("scalr:purpose", Secretive)), "options"),
            (null, Pairs(("scalr:purpose", "data-key")), "options"),
            (null, Pairs(("SCALR:later", Secretive)), "options"),
            (null, Pairs(("aws-crypto-public-key", Secretive)), "options"),
            (null, Pairs(("app", null!)), "options"),
        ])
        {
            var thrown = await Assert.CatchAsync<ArgumentException>(
                () => _connection.VerifyAsync(how: new() { EncryptionContext = pairs }, tenant: tenant));

            Assert.That(
                (thrown!.ParamName, thrown.Message.Contains(Secretive, StringComparison.Ordinal)),
                Is.EqualTo((parameter, false)),
                thrown.Message);
        }

        Assert.That(_connection.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task The_name_of_a_ring_of_AddKeyRing_is_no_tenant_and_its_pair_is_not_tried()
    {
        _connection.Permissions = Only("""
            "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": "record" }
            """);
        var services = _connection.World.Services();
        var byok = services.AddScalrByok().AddKeyRing("acme", settings => settings.KeyArn = _connection.World.Key.Arn);

        var verification = await _connection.World.Build(services).GetRequiredService<IByokVerifier>().VerifyAsync(
            _connection.GoodSettings(), "acme");

        Assert.That(verification.Succeeded, Is.True, verification.ToString());
        byok.AddTenantKeyRings<NoStore>(); // now a customer can have chosen the name
        verification = await _connection.World.Build(services).GetRequiredService<IByokVerifier>().VerifyAsync(
            _connection.GoodSettings(), "acme");

        Assert.That(
            Connection.Checked(verification, Failed).First(),
            Is.EqualTo(_connection.IsOidc ? Check.Credentials : Check.Encrypt),
            verification.ToString());
    }

    [Test]
    public async Task The_pair_has_the_canonical_name_of_the_tenant()
    {
        _connection.Permissions = Conditional(new() { ["scalr:tenant"] = "acme" });
        var services = _connection.World.Services();
        services.AddScalrByok().AddTenantKeyRings<NoStore>(StringComparer.OrdinalIgnoreCase);

        var verification = await _connection.World.Build(services).GetRequiredService<IByokVerifier>().VerifyAsync(
            _connection.GoodSettings(), "ACME");

        Assert.That(verification.Succeeded, Is.True, verification.ToString());
    }

    private sealed class NoStore : IByokKeySettingsStore
    {
        public ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private static Dictionary<string, string> Pairs(params (string Key, string Value)[] pairs) =>
        pairs.ToDictionary(pair => pair.Key, pair => pair.Value);

    private string Conditional(Dictionary<string, string> pairs, params string[] required) =>
        ByokPolicies.KeyPermissions(
            _connection.KeyArn, [Connection.ReplicaRegion], encryptionContext: pairs, requiredContextKeys: required);

    private static string Only(string conditions) => $$"""
        { "Version": "2012-10-17", "Statement": [
          { "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*" },
          { "Effect": "Allow", "Action": [ "kms:Encrypt", "kms:Decrypt" ], "Resource": "*", "Condition": { {{conditions}} } } ] }
        """;

    private void TrustTokensOf(string? tenant)
    {
        if (_connection.IsOidc)
        {
            _connection.Role.TrustPolicy = ByokPolicies.OidcTrust(
                ByokWorld.CustomerAccount, ByokWorld.Audience, tenant ?? "acme", ByokPolicies.ScalrProviderHost);
        }
    }

    private async Task PassAsync(string? tenant, Dictionary<string, string>? pairs = null, bool forDataKeys = false)
    {
        TrustTokensOf(tenant);
        var verification = await _connection.VerifyAsync(
            how: new() { EncryptionContext = pairs, ForDataKeys = forDataKeys }, tenant: tenant);

        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(
            verification.Steps.Single(step => step.Check == Check.Encrypt).Message,
            Is.EqualTo("kms:Encrypt works, with the encryption context that was tried."));
        Assert.That(verification.ToString(), Does.Not.Contain(Secretive));
    }

    /// <summary>kms:Encrypt alone is denied, and what it says names no value.</summary>
    private async Task<ByokVerificationStep> DeniedAsync(string? tenant, Dictionary<string, string>? pairs = null)
    {
        TrustTokensOf(tenant);
        var verification = await _connection.VerifyAsync(how: new() { EncryptionContext = pairs }, tenant: tenant);

        var step = verification.Steps.Single(step => step.Outcome == Failed);
        Assert.That(
            (step.Check, step.Reason), Is.EqualTo((Check.Encrypt, (ByokKeyUnavailableReason?)ByokKeyUnavailableReason.AccessDenied)));
        Assert.That(
            step.Remedy,
            Does.EndWith("If a policy has kms:EncryptionContext conditions, they must allow the encryption context that was tried."));
        Assert.That(
            $"{verification} {step.Remedy} {step.Policy}",
            Does.Not.Contain(Secretive).And.Not.Contain("acme").And.Not.Contain("\"another\""));
        return step;
    }
}
