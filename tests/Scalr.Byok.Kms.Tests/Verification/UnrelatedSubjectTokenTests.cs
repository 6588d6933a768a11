using System.Text.Json.Nodes;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationCheck;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>What a token of another subject shows about an Oidc role, and what it cannot show.</summary>
internal sealed class UnrelatedSubjectTokenTests
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
        _connection.Role.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, "another-audience", "acme", ByokPolicies.ScalrProviderHost);

        var step = await _connection.StoppedAtAsync(ByokVerificationCheck.Credentials);

        Assert.That(step.Reason, Is.EqualTo(RoleNotAssumable));
        await _connection.MendsTrustAsync(step);
    }

    [Test]
    public async Task A_role_without_the_audience_condition_passes()
    {
        // No call can tell: AWS STS takes a token only if its audience is among the client IDs of the identity provider, whatever the role
        // says. So a token with another audience is refused with or without the condition, and with a registered one the host would be
        // asking as someone else's client.
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
        World.GetUnrelatedSubjectToken = (_, _) => ValueTask.FromResult<string?>(null);
        _connection.TrustWithout("StringLike");

        var verification = await _connection.VerifyAsync();

        var step = verification.Steps.Single(step => step.Outcome != Passed);
        Assert.That((step.Check, step.Outcome), Is.EqualTo((RoleTrust, Skipped)));
        Assert.That(step.Message, Is.EqualTo("Not tried: the host's token provider issues no token of another subject to try with."));
        Assert.That(verification.Succeeded, Is.True);
        Assert.That(World.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(2), "the key's session and the replica's");
    }

    [TestCase("expired", "The host's OIDC token provider returned a token that expired at ", false)]
    [TestCase(
        "signature",
        "The host's OIDC token was rejected by AWS STS (InvalidIdentityToken), so sts:AssumeRoleWithWebIdentity for the key ",
        true)]
    [TestCase(
        "same subject",
        "The host's OIDC token provider returned a token of the same subject, but one of another subject was requested. ",
        false)]
    public async Task A_token_of_another_subject_that_is_no_good_proves_nothing(string what, string complaint, bool isSent)
    {
        World.GetUnrelatedSubjectToken = (request, _) => new(World.Token(
            request.Audience,
            what == "same subject" ? request.Subject! : "account:unknown",
            what == "expired" ? TimeSpan.FromMinutes(-20) : null,
            wrongSignature: what == "signature"));
        _connection.TrustWithout("StringLike");

        var verification = await _connection.VerifyAsync(tenant: "acme");

        var step = verification.Steps.Single(step => step.Outcome != Passed);
        Assert.That((step.Check, step.Outcome), Is.EqualTo((RoleTrust, Warning)));
        Assert.That(step.Message, Does.StartWith("It could not be determined whether the role admits other subjects. " + complaint));
        Assert.That(step.Remedy, Is.EqualTo("The host's operator has to correct it; the customer cannot."));
        Assert.That(step.Operation, Is.EqualTo(isSent ? "sts:AssumeRoleWithWebIdentity" : null));
        Assert.That((step.Policy, step.Reason), Is.EqualTo((default(string), default(ByokKeyUnavailableReason?))));
    }

    [Test]
    public async Task A_token_of_another_subject_whose_audience_is_not_registered_proves_nothing()
    {
        World.GetUnrelatedSubjectToken = (_, _) => new(World.Token("unknown-audience", "account:unknown"));
        _connection.TrustWithout("StringLike");

        var step = (await _connection.NotPassedAsync(null, [RoleTrust])).Single();

        Assert.That(step.Message, Is.EqualTo(
            "It could not be determined whether the role admits other subjects: AWS STS does not accept the host's token of another "
            + "subject."));
        Assert.That(step.Operation, Is.EqualTo("sts:AssumeRoleWithWebIdentity"));
    }

    [Test]
    public async Task A_provider_that_fails_to_make_a_token_of_another_subject_is_a_warning()
    {
        World.GetUnrelatedSubjectToken = (_, _) => throw new InvalidOperationException("eyJhbGciOiJub25lIn0.secret.");

        var step = (await _connection.NotPassedAsync(null, [RoleTrust])).Single();

        Assert.That(step.Message, Is.EqualTo(
            "It could not be determined whether the role admits other subjects. The host's OIDC token provider threw "
            + "InvalidOperationException. "
            + "Nothing was sent to AWS; the host's operator should check the provider."));
    }
}
