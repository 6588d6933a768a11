using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Tests.PoliciesTests;

/// <summary>Whom the policies admit and whom they do not, asked of AWS over the wire.</summary>
[Category("Slow")]
internal sealed class ByokPoliciesAdmissionTests
{
    private ByokWorld _world = null!;

    private KmsKeyArn Key => KmsKeyArn.Parse(_world.Key.Arn);

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task KeyPermissions_suffice([Values] bool describeKey)
    {
        _world.User.Policy = ByokPolicies.KeyPermissions(Key, describeKey: describeKey);
        await AdmittedAsync("AccessKeys");
    }

    [Test]
    public async Task KeyPermissions_suffice_for_a_replica()
    {
        var replica = _world.Key.Replicate("us-east-2");
        _world.User.Policy = ByokPolicies.KeyPermissions(Key, ["us-east-2"]);
        await AdmittedAsync("AccessKeys", s => s.KeyArn = replica.Arn);
    }

    [Test]
    public async Task KeyPermissions_without_replicas_do_not_admit_to_one()
    {
        var replica = _world.Key.Replicate("us-east-2");
        _world.User.Policy = ByokPolicies.KeyPermissions(Key);
        await RefusedAsync("AccessKeys", AccessDenied, s => s.KeyArn = replica.Arn);
    }

    [Test]
    public async Task KeyPermissions_for_another_key_do_not_admit()
    {
        _world.User.Policy = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(_world.Customer.CreateKey(ByokWorld.Region).Arn));
        await RefusedAsync("AccessKeys", AccessDenied);
    }

    [Test]
    public async Task KeyPermissions_with_conditions_suffice_for_requests_that_have_the_pairs_and_the_keys([Values] bool asRole)
    {
        var policy = ByokPolicies.KeyPermissions(
            Key, encryptionContext: new Dictionary<string, string> { ["app"] = "Zoë's \u9375 \"\\" }, requiredContextKeys: ["record"]);
        (_world.User.Policy, _world.AssumedRole.Policy) = (policy, policy);
        var ring = _world.Ring(asRole ? "AssumeRole" : "AccessKeys");
        var good = new Dictionary<string, string> { ["app"] = "Zoë's \u9375 \"\\", ["record"] = "42", ["more"] = "x" };

        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(new byte[3], good), good), Is.EqualTo(new byte[3]));
        Assert.That(
            (await ring.ProbeAsync()).Findings.Select(finding => finding.Code), Has.None.EqualTo(ByokKeyFindingCode.DescribeKeyDenied));
        foreach (var bad in (Dictionary<string, string>?[])[null, new()
        {
            ["app"] = good["app"],
        }, new() { ["app"] = "another", ["record"] = "42" }])
        {
            var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1], bad));
            Assert.That((thrown!.Reason, thrown.Remedy.Contains("another", StringComparison.Ordinal)), Is.EqualTo((AccessDenied, false)));
        }
    }

    [Test]
    public async Task AssumeRoleTrust_admits_the_host_with_the_external_id()
    {
        var externalId = ByokPolicies.NewExternalId();
        _world.AssumedRole.TrustPolicy = ByokPolicies.AssumeRoleTrust(externalId, ByokWorld.HostAccount);
        await AdmittedAsync("AssumeRole", s => s.Credentials.ExternalId = externalId);
    }

    [Test]
    public async Task AssumeRoleTrust_made_for_another_host_does_not_admit()
    {
        _world.AssumedRole.TrustPolicy = ByokPolicies.AssumeRoleTrust(ByokWorld.ExternalId, "999988887777");
        await RefusedAsync("AssumeRole", RoleNotAssumable);
    }

    [TestCase("external-id-4Zk8Qw")]
    [TestCase("external-id-4Zk8Qw77")]
    [TestCase("EXTERNAL-ID-4ZK8QW7")]
    public async Task AssumeRoleTrust_made_for_another_external_id_does_not_admit(string externalId)
    {
        _world.AssumedRole.TrustPolicy = ByokPolicies.AssumeRoleTrust(externalId, ByokPolicies.ScalrAccountId);
        await RefusedAsync("AssumeRole", RoleNotAssumable);
    }

    [TestCase("acme")]
    [TestCase("Acme & Co. \"R&D\" \\ <x>")]
    [TestCase("Zoë's \u9375 \U0001F511")]
    public async Task OidcTrust_admits_the_account_that_it_names(string accountName)
    {
        _world.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, ByokWorld.Audience, accountName, ByokPolicies.ScalrProviderHost);
        _world.GetToken = (request, _) => new(_world.Token(request.Audience, "account:" + accountName));
        await AdmittedAsync("Oidc");
    }

    [TestCase("acm")]
    [TestCase("acme2")]
    [TestCase("ACME")]
    [TestCase(" acme")]
    [TestCase("account:acme")]
    [TestCase(".+")]
    [TestCase("%")]
    [TestCase("\", \"account:acme")]
    public async Task OidcTrust_made_for_another_account_name_does_not_admit(string accountName)
    {
        _world.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, ByokWorld.Audience, accountName, ByokPolicies.ScalrProviderHost);
        await RefusedAsync("Oidc", RoleNotAssumable);
    }

    [TestCase("registered-but-not-trusted")]
    [TestCase("SCALR_KMS")]
    [TestCase("*")]
    public async Task OidcTrust_made_for_another_audience_does_not_admit(string audience)
    {
        _world.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, audience, "acme", ByokPolicies.ScalrProviderHost);
        await RefusedAsync("Oidc", RoleNotAssumable);
    }

    [Test]
    public async Task OidcTrust_made_for_another_issuer_or_AWS_account_does_not_admit([Values] bool issuer)
    {
        _world.OidcRole.TrustPolicy = issuer
            ? ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, ByokWorld.Audience, "acme", "example.com")
            : ByokPolicies.OidcTrust("999988887777", ByokWorld.Audience, "acme", ByokPolicies.ScalrProviderHost);
        await RefusedAsync("Oidc", RoleNotAssumable);
    }

    private async Task AdmittedAsync(string type, Action<ByokKeySettings>? change = null)
    {
        var ring = _world.Ring(type, change);
        byte[] secret = [1, 2, 3];

        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(secret)), Is.EqualTo(secret));
    }

    private async Task RefusedAsync(string type, ByokKeyUnavailableReason reason, Action<ByokKeySettings>? change = null)
    {
        var ring = _world.Ring(type, change);

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.Reason, Is.EqualTo(reason));
    }
}
