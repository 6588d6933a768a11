using System.Text.Json.Nodes;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationCheck;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// The trust policy without each of its parts, or with another: what the step says, and that the policy it gives corrects it.
/// </summary>
[TestFixture(ByokCredentialSettings.AssumeRoleType)]
[TestFixture(ByokCredentialSettings.OidcType)]
internal sealed class RoleTrustTests
{
    private const string OtherAccount = "999988887777";

    private readonly string _type;
    private Connection _connection = null!;

    private ByokWorld World => _connection.World;

    public RoleTrustTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(_type);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task A_principal_that_is_not_the_host_lets_nobody_in()
    {
        _connection.Role.TrustPolicy = _connection.IsOidc
            ? ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, ByokWorld.Audience, "acme", "another-issuer.example")
            : ByokPolicies.AssumeRoleTrust(ByokWorld.ExternalId, OtherAccount);

        await NotAssumableAsync();
    }

    [Test]
    public async Task Another_external_ID_or_subject_lets_nobody_in()
    {
        _connection.Role.TrustPolicy = _connection.IsOidc
            ? ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, ByokWorld.Audience, "another", ByokPolicies.ScalrProviderHost)
            : ByokPolicies.AssumeRoleTrust("another-external-id", ByokWorld.HostAccount);

        await NotAssumableAsync();
    }

    [Test]
    public async Task A_trust_policy_that_allows_nothing_lets_nobody_in()
    {
        _connection.Role.TrustPolicy = """{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}""";

        await NotAssumableAsync();
    }

    [Test]
    public async Task A_trust_policy_for_the_other_action_lets_nobody_in()
    {
        var trust = JsonNode.Parse(_connection.GoodTrust)!;
        trust["Statement"]![0]!["Action"] = _connection.IsOidc ? "sts:AssumeRole" : "sts:TagSession";
        _connection.Role.TrustPolicy = trust.ToJsonString();

        await NotAssumableAsync();
    }

    [Test]
    public async Task A_role_that_admits_strangers_works_and_is_a_warning()
    {
        _connection.TrustWithout(_connection.IsOidc ? "StringLike" : "StringEquals");

        var step = (await _connection.NotPassedAsync(null, [RoleTrust])).Single();

        Assert.That(step.Outcome, Is.EqualTo(Warning));
        Assert.That(
            (step.Reason, step.Operation, step.Region), Is.EqualTo((default(ByokKeyUnavailableReason?), default(string), "us-east-1")));
        Assert.That(step.Message, Is.EqualTo(_connection.IsOidc
            ? "The role admits a token of another subject, so any other customer of the host could reach the key through it."
            : "The role can be assumed without the external ID, so anyone who guesses its ARN could have the host use the key for them."));
        Assert.That(step.Remedy, Is.EqualTo(
            $"Replace the trust policy of the role {_connection.Role.Arn} by one that demands "
            + $"{(_connection.IsOidc ? "the token's subject" : "the external ID")}."));
        await _connection.MendsTrustAsync(step);
    }

    [Test]
    public async Task A_trial_that_AWS_does_not_answer_says_what_is_not_known()
    {
        var told = new Told(progress =>
        {
            if (progress.Step.Check == ByokVerificationCheck.Credentials)
            {
                World.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Service = "sts", Times = 1 });
            }
        });

        var verification = await _connection.VerifyAsync(how: new() { Progress = told });

        var step = verification.Steps.Single(step => step.Outcome is Warning or Failed);
        Assert.That((step.Check, step.Outcome, step.Operation), Is.EqualTo((RoleTrust, Warning, $"sts:{_connection.Assume}")));
        Assert.That(step.Message, Does.StartWith(
            "It could not be determined whether the role "
            + (_connection.IsOidc ? "admits other subjects" : "can be assumed without the external ID")
            + $". sts:{_connection.Assume} for the key "));
        Assert.That(step.Remedy, Is.EqualTo("Verify again later."));
    }

    /// <summary>The host is refused at the door, and the policy that the step gives opens it to the host and no one else.</summary>
    private async Task NotAssumableAsync()
    {
        var step = await _connection.StoppedAtAsync(ByokVerificationCheck.Credentials);

        Assert.That(step.Message, Is.EqualTo("AWS STS does not let the host assume the role."));
        Assert.That((step.Reason, step.Operation), Is.EqualTo(((ByokKeyUnavailableReason?)RoleNotAssumable, $"sts:{_connection.Assume}")));
        Assert.That(step.RequestId, Is.Not.Empty);
        Assert.That(step.Remedy, Is.EqualTo(
            $"Give the role {_connection.Role.Arn} this trust policy. "
            + $"If the role already has it, check the role ARN and the {(_connection.IsOidc ? "audience" : "external ID")}."));
        await _connection.MendsTrustAsync(step);
    }
}
