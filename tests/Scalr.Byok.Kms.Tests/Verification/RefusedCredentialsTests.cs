using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// What a customer can get wrong about credentials, and what only the host can: the step that says so, and who is told to do what.
/// </summary>
[Category("Slow")]
internal sealed class RefusedCredentialsTests
{
    private const string OtherRole = $"arn:aws:iam::{ByokWorld.CustomerAccount}:role/no-such-role";
    private const string HostMends = "The host's operator has to correct it; the customer cannot.";

    private Connection _connection = null!;

    private ByokWorld World => _connection.World;

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task An_access_key_that_AWS_does_not_accept_fails_at_the_first_call([Values("secret", "id", "inactive")] string what)
    {
        _connection = await Connection.StartAsync("AccessKeys");
        World.AccessKey.Active = what != "inactive";

        var step = await _connection.StoppedAtAsync(Check.DescribeKey, settings =>
        {
            settings.Credentials.SecretAccessKey = what == "secret" ? new string('x', 40) : settings.Credentials.SecretAccessKey;
            settings.Credentials.AccessKeyId = what == "id" ? "AKIAUNKNOWNUNKNOWN12" : settings.Credentials.AccessKeyId;
        });

        Refused(step, CredentialsRejected, "kms:DescribeKey");
        Assert.That(step.Message, Is.EqualTo("AWS does not accept the access key."));
        Assert.That(
            step.Remedy,
            Is.EqualTo("Check that the access key ID and the secret access key belong together and that the access key is active."));
        Assert.That(step.Policy, Is.Null);
    }

    [Test]
    public async Task A_role_that_does_not_exist_cannot_be_assumed([Values("AssumeRole", "Oidc")] string type)
    {
        _connection = await Connection.StartAsync(type);

        var step = await _connection.StoppedAtAsync(Check.Credentials, settings => settings.Credentials.RoleArn = OtherRole);

        Refused(step, RoleNotAssumable, $"sts:{_connection.Assume}");
        Assert.That(
            step.Remedy,
            Does.StartWith($"Give the role {OtherRole} this trust policy. If the role already has it, check the role ARN and the "));
        Assert.That(step.Policy, Is.EqualTo(_connection.GoodTrust));
    }

    [Test]
    public async Task A_wrong_external_ID_gives_the_policy_for_the_one_that_was_typed()
    {
        _connection = await Connection.StartAsync("AssumeRole");

        var step = await _connection.StoppedAtAsync(Check.Credentials, settings => settings.Credentials.ExternalId = "another-external-id");

        Refused(step, RoleNotAssumable, "sts:AssumeRole");
        Assert.That(step.Policy, Is.EqualTo(ByokPolicies.AssumeRoleTrust("another-external-id", ByokWorld.HostAccount)));
        World.AssumedRole.TrustPolicy = step.Policy!;
        await _connection.AllPassAsync(settings => settings.Credentials.ExternalId = "another-external-id");
    }

    [Test]
    public async Task An_audience_that_the_role_does_not_admit_gives_the_policy_for_it()
    {
        _connection = await Connection.StartAsync("Oidc");
        const string Audience = "registered-but-not-trusted";

        var step = await _connection.StoppedAtAsync(Check.Credentials, settings => settings.Credentials.Audience = Audience);

        Refused(step, RoleNotAssumable, "sts:AssumeRoleWithWebIdentity");
        Assert.That(
            step.Policy, Is.EqualTo(ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, Audience, "acme", ByokPolicies.ScalrProviderHost)));
        World.OidcRole.TrustPolicy = step.Policy!;
        await _connection.AllPassAsync(settings => settings.Credentials.Audience = Audience);
    }

    [Test]
    public async Task An_audience_that_is_not_registered_names_the_provider()
    {
        _connection = await Connection.StartAsync("Oidc");

        var step = await _connection.StoppedAtAsync(Check.Credentials, settings => settings.Credentials.Audience = "unknown-audience");

        Refused(step, TokenRejected, "sts:AssumeRoleWithWebIdentity");
        Assert.That(step.Message, Is.EqualTo("AWS STS does not accept the OIDC token."));
        Assert.That(step.Remedy, Is.EqualTo(
            $"In account {ByokWorld.CustomerAccount}, the OIDC identity provider must have the URL https://scalr.io and the audience "
            + "unknown-audience."));
        Assert.That(step.Policy, Is.Null);
    }

    [Test]
    public async Task An_issuer_without_https_leaves_the_general_remedy()
    {
        _connection = await Connection.StartAsync("Oidc");
        await using var issuer = await LocalIssuer.StartAsync(time: World.Time);
        World.GetToken = (request, _) => new(issuer.CreateToken(request.Audience, ByokWorld.Subject));

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Refused(step, TokenRejected, "sts:AssumeRoleWithWebIdentity");
        Assert.That(step.Remedy, Is.EqualTo(
            "Check the OIDC identity provider in the AWS account: its URL must be the host's issuer and its client IDs must include the "
            + "audience."));
    }

    [TestCase("expired", "returned a token that expired at ")]
    [TestCase("no token", "returned a text that is not a complete JSON Web Token")]
    public async Task A_token_that_is_no_good_is_the_hosts_fault(string what, string complaint)
    {
        _connection = await Connection.StartAsync("Oidc");
        World.GetToken = (request, _) =>
            new(what == "expired" ? World.Token(request.Audience, ByokWorld.Subject, TimeSpan.FromMinutes(-20)) : "not-a-token");

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Assert.That(step.Message, Does.StartWith("The host's OIDC token provider " + complaint));
        Assert.That((step.Remedy, step.Reason, step.Policy), Is.EqualTo((HostMends, default(ByokKeyUnavailableReason?), default(string))));
        Assert.That(World.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.Zero);
    }

    [Test]
    public async Task A_token_with_a_wrong_signature_is_the_hosts_fault()
    {
        _connection = await Connection.StartAsync("Oidc");
        World.GetToken = (request, _) => new(World.Token(request.Audience, ByokWorld.Subject, wrongSignature: true));

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Assert.That(step.Message, Does.StartWith(
            "The host's OIDC token was rejected by AWS STS (InvalidIdentityToken), so sts:AssumeRoleWithWebIdentity for the key"));
        Assert.That((step.Remedy, step.Reason, step.Policy), Is.EqualTo((HostMends, default(ByokKeyUnavailableReason?), default(string))));
    }

    [Test]
    public async Task A_subject_for_which_no_safe_trust_policy_can_be_written_gets_none()
    {
        _connection = await Connection.StartAsync("Oidc");
        World.GetToken = (request, _) => new(World.Token(request.Audience, "account:*"));

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Refused(step, RoleNotAssumable, "sts:AssumeRoleWithWebIdentity");
        Assert.That(step.Policy, Is.Null);
        Assert.That(
            step.Remedy,
            Does.StartWith("Check the role ARN and the role's trust policy: its principal, and the external ID or the token's audience"));
    }

    [Test]
    public async Task A_provider_that_fails_while_a_refusal_is_explained_leaves_the_general_remedy()
    {
        _connection = await Connection.StartAsync("Oidc");
        World.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, ByokWorld.Audience, "another", ByokPolicies.ScalrProviderHost);
        var calls = 0;
        World.GetToken =
            (request, _) => ++calls == 1 ? new(World.Token(request.Audience, ByokWorld.Subject)) : throw new IOException("no second token");

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Refused(step, RoleNotAssumable, "sts:AssumeRoleWithWebIdentity");
        Assert.That((step.Policy, step.Remedy![..18]), Is.EqualTo((default(string), "Check the role ARN")));
    }

    [Test]
    public async Task A_host_whose_own_access_key_is_inactive_does_not_blame_the_customer()
    {
        _connection = await Connection.StartAsync("AssumeRole");
        World.HostKey.Active = false;

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Assert.That(
            (step.Reason, step.Operation, step.Policy),
            Is.EqualTo((default(ByokKeyUnavailableReason?), "sts:AssumeRole", default(string))));
        Assert.That(
            step.Message,
            Does.StartWith("The host's own AWS identity was rejected by AWS STS (InvalidClientTokenId), so sts:AssumeRole for the key"));
        Assert.That(step.Remedy, Is.EqualTo(HostMends));
    }

    [Test]
    public async Task A_token_provider_that_throws_does_not_blame_the_customer()
    {
        _connection = await Connection.StartAsync("Oidc");
        World.GetToken = (_, _) => throw new InvalidOperationException("issuer says: eyJhbGciOiJub25lIn0.secret.");

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Assert.That(step.Message, Is.EqualTo(
            "The host's OIDC token provider threw InvalidOperationException. "
            + "Nothing was sent to AWS; the host's operator should check the provider."));
        Assert.That((step.Remedy, step.Reason, step.Policy), Is.EqualTo((HostMends, default(ByokKeyUnavailableReason?), default(string))));
    }

    [Test]
    public async Task STS_that_is_not_activated_in_the_Region_is_the_customers_to_mend([Values("AssumeRole", "Oidc")] string type)
    {
        _connection = await Connection.StartAsync(type);
        World.Aws.Faults.Add(Fault.Error("RegionDisabledException", 403) with { Service = "sts" });

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Refused(step, RegionDisabled, $"sts:{_connection.Assume}");
        Assert.That((step.Message, step.Remedy), Is.EqualTo(
            (
                "AWS STS is not activated in Region us-east-1 of the account.",
                "Activate AWS STS for Region us-east-1 in the IAM account settings.")));
    }

    [Test]
    public async Task A_session_policy_that_STS_finds_too_large_is_told([Values("AssumeRole", "Oidc")] string type)
    {
        _connection = await Connection.StartAsync(type);
        World.Aws.Faults.Add(Fault.Error("PackedPolicyTooLarge") with { Service = "sts" });

        var step = await _connection.StoppedAtAsync(Check.Credentials);

        Refused(step, SessionPolicyTooLarge, $"sts:{_connection.Assume}");
        Assert.That(
            step.Remedy, Does.StartWith("This is for the host's operator:"));
    }

    private static void Refused(ByokVerificationStep step, ByokKeyUnavailableReason reason, string operation)
    {
        Assert.That(
            (step.Outcome, step.Reason, step.Operation),
            Is.EqualTo((ByokVerificationOutcome.Failed, (ByokKeyUnavailableReason?)reason, operation)));
        Assert.That(step.RequestId, Is.Not.Empty);
        Assert.That(step.ToString(), Is.EqualTo($"{step.Check}: Failed. {step.Message}"));
    }
}
