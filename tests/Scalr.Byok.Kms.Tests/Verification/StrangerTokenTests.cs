using System.Text.Json.Nodes;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationCheck;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>What a token of another subject shows about an Oidc role, and what it cannot show.</summary>
internal sealed class StrangerTokenTests
{
    private Connection _connection = null!;

    private ByokWorld World => _connection.World;

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(ByokCredentialSettings.OidcType);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task Another_audience_lets_nobody_in()
    {
        _connection.Role.TrustPolicy = ByokPolicies.WebIdentityTrust(ByokWorld.CustomerAccount, "another-audience", "acme");

        var step = await _connection.StoppedAtAsync(ByokVerificationCheck.Credentials);

        Assert.That(step.Reason, Is.EqualTo(RoleNotAssumable));
        await _connection.MendsTrustAsync(step);
    }

    [Test]
    public async Task A_role_without_the_audience_condition_passes()
    {
        // No call can tell: AWS STS takes a token only if its audience is among the client IDs of the identity provider, whatever the role says. So a token
        // with another audience is refused with or without the condition, and with a registered one the host would be asking as somebody else's client.
        _connection.TrustWithout("StringEquals");

        await _connection.AllPassAsync();
    }

    [Test]
    public async Task A_subject_with_a_wildcard_that_admits_strangers_is_a_warning()
    {
        var trust = JsonNode.Parse(_connection.GoodTrust)!;
        trust["Statement"]![0]!["Condition"]!["StringLike"]!["scalr.io:sub"] = "account:*";
        _connection.Role.TrustPolicy = trust.ToJsonString();

        await _connection.MendsTrustAsync((await _connection.NotPassedAsync(null, [RoleTrust])).Single());
    }

    [Test]
    public async Task Without_a_token_of_another_subject_the_role_cannot_be_tried()
    {
        World.GetStrangerToken = (_, _) => ValueTask.FromResult<string?>(null);
        _connection.TrustWithout("StringLike");

        var verification = await _connection.VerifyAsync();

        var step = verification.Steps.Single(step => step.Outcome != Passed);
        Assert.That((step.Check, step.Outcome), Is.EqualTo((RoleTrust, Skipped)));
        Assert.That(step.Message, Is.EqualTo("Not tried: the host's token provider makes no token of another subject to try with."));
        Assert.That(verification.Succeeded, Is.True);
        Assert.That(World.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(2), "the key's session and the replica's");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_token_of_another_subject_that_STS_does_not_accept_proves_nothing(bool isExpired)
    {
        World.GetStrangerToken = (audience, _) => new(
            World.Token(audience, "account:nobody", isExpired ? TimeSpan.FromMinutes(-20) : null, wrongSignature: !isExpired));
        _connection.TrustWithout("StringLike");

        var step = (await _connection.NotPassedAsync(null, [RoleTrust])).Single();

        Assert.That(step.Message, Is.EqualTo(
            "It could not be learnt whether the role admits strangers: AWS STS does not accept the host's token of another subject."));
        Assert.That(step.Remedy, Is.EqualTo("The host's operator has to mend it; the customer cannot."));
        Assert.That(step.Operation, Is.EqualTo("sts:AssumeRoleWithWebIdentity"));
        Assert.That((step.Policy, step.Reason), Is.EqualTo((default(string), default(ByokKeyUnavailableReason?))));
    }

    [Test]
    public async Task A_provider_that_fails_to_make_a_token_of_another_subject_is_a_warning()
    {
        World.GetStrangerToken = (_, _) => throw new InvalidOperationException("eyJhbGciOiJub25lIn0.secret.");

        var step = (await _connection.NotPassedAsync(null, [RoleTrust])).Single();

        Assert.That(step.Message, Is.EqualTo(
            "It could not be learnt whether the role admits strangers. The host's web identity token provider threw InvalidOperationException. "
            + "Nothing was sent to AWS; the host's operator should look at the provider."));
    }
}
