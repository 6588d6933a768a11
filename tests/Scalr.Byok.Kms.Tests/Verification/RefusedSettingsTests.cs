using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>Settings that can be seen to be wrong without asking AWS: every error at once, each in its step, and no call.</summary>
internal sealed class RefusedSettingsTests
{
    private Connection _connection = null!;

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(ByokCredentialSettings.AssumeRoleType);

    [TearDown]
    public async Task StopAsync()
    {
        Assert.That(_connection.World.Aws.Log.Requests, Is.Empty);
        await _connection.DisposeAsync();
    }

    [Test]
    public async Task A_key_ARN_that_is_missing_is_told([Values(null, "", " ")] string? arn)
    {
        var step = await RefusedAsync(settings => settings.KeyArn = arn, Check.KeyArn);

        Assert.That((step.Message, step.Region), Is.EqualTo(("KeyArn is missing.", default(string))));
    }

    [TestCase("alias/acme", "is the name of an alias; expected the full ARN of the key it points to")]
    [TestCase("0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08", "the text is a key id alone, without Region and account")]
    [TestCase("arn:aws:iam::111122223333:role/scalr", "The ARN of a role belongs in the role's setting.")]
    [TestCase("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "40 characters long and not shown, does not start with 'arn:'")]
    public async Task A_key_ARN_that_is_none_is_told(string arn, string complaint)
    {
        var step = await RefusedAsync(settings => settings.KeyArn = arn, Check.KeyArn);

        Assert.That(step.Message, Does.StartWith("KeyArn: Not a KMS key ARN: ").And.Contain(complaint).And.Not.Contain("wJalr"));
    }

    /// <summary>Not at the step of the key that encrypts, which is right.</summary>
    [TestCase(null, "PreviousKeys:0:KeyArn is missing.")]
    [TestCase("alias/acme", "PreviousKeys:0:KeyArn: Not a KMS key ARN: ")]
    [TestCase("arn:aws:kms:us-west-2:" + ByokWorld.HostAccount + ":key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08",
        "PreviousKeys:0:KeyArn is in account " + ByokWorld.HostAccount + ", which is HostAccountId")]
    public async Task A_wrong_ARN_of_a_previous_key_is_told_with_the_other_settings(string? arn, string complaint)
    {
        var step = await RefusedAsync(settings => settings.PreviousKeys[0].KeyArn = arn, Check.Settings);

        Assert.That(step.Message, Does.StartWith(complaint));
    }

    [Test]
    public async Task A_key_of_the_hosts_account_is_told_with_a_remedy_that_helps()
    {
        var verification = await _connection.VerifyAsync(settings =>
            settings.KeyArn = $"arn:aws:kms:us-east-1:{ByokWorld.HostAccount}:key/mrk-1234abcd12ab34cd56ef1234567890ab");

        var step = verification.Steps.Single(step => step.Check == Check.KeyArn);
        Assert.That(step.Message, Does.Contain($"KeyArn is in account {ByokWorld.HostAccount}, which is HostAccountId"));
        Assert.That(step.Remedy, Is.EqualTo("Use a key of the customer's own account."));
    }

    [Test]
    public async Task A_Region_that_is_not_allowed_is_told()
    {
        const string Arn = "arn:aws:kms:us-west-1:111122223333:key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08";

        var step = await RefusedAsync(settings => (settings.KeyArn, settings.ReplicaRegions) = (Arn, []), Check.AllowedRegion, replicas: 0);

        Assert.That(step.Message, Is.EqualTo("KeyArn: Region us-west-1 is not allowed; allowed are us-east-1, us-east-2, us-west-2."));
        Assert.That(step.Region, Is.EqualTo("us-west-1"));
    }

    [Test]
    public async Task A_replica_Region_that_is_not_allowed_is_told()
    {
        var step = await RefusedAsync(settings => settings.ReplicaRegions = ["eu-west-1"], Check.AllowedRegion);

        Assert.That(
            step.Message, Is.EqualTo("ReplicaRegions:0: Region eu-west-1 is not allowed; allowed are us-east-1, us-east-2, us-west-2."));
    }

    [Test]
    public async Task Several_complaints_about_the_settings_come_at_once()
    {
        var step = await RefusedAsync(
            settings =>
            {
                settings.Credentials = new() { Type = "AssumeRole", ExternalId = "x", Audience = "y" };
                settings.PreviousKeys = [new() { KeyArn = settings.KeyArn, Credentials = new() }];
            },
            Check.Settings);

        Assert.That(step.Message.Split(". "), Is.EqualTo((string[])
        [
            "Credentials:RoleArn is missing",
            "Credentials:ExternalId has 1 character; AWS STS accepts 2 to 1224",
            "Credentials:Audience does not belong to credentials of type AssumeRole; leave it empty",
            "PreviousKeys:0:Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc",
            "PreviousKeys:0:KeyArn is a key that this key ring has already, or a replica of it.",
        ]));
    }

    [Test]
    public async Task Credentials_that_are_null_are_told()
    {
        var verification = await _connection.VerifyAsync(settings => settings.Credentials = null!);

        Assert.That(
            verification.ToString(),
            Does.Contain("Settings: Failed. Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc."));
        Assert.That(
            Connection.Checked(verification, Skipped),
            Is.EqualTo((Check[])[Check.Credentials, Check.DescribeKey, Check.Encrypt, Check.Decrypt, Check.Replica, Check.PreviousKey]));
    }

    [Test]
    public async Task Settings_of_nulls_are_told_and_nothing_is_thrown()
    {
        var verification = await _connection.Verifier().VerifyAsync(
            new()
            {
                KeyArn = null,
                Credentials = null!,
                ReplicaRegions = null!,
                PreviousKeys = [null!, new() { KeyArn = null, Credentials = null! }],
            },
            tenant: null);

        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[Check.KeyArn, Check.Settings]));
        Assert.That(Connection.Checked(verification, Skipped).Count(check => check == Check.PreviousKey), Is.EqualTo(2));
        Assert.That(verification.KeyHealth, Is.Null);
        verification = await _connection.Verifier().VerifyAsync(
            new() { KeyArn = _connection.World.Key.Arn, Credentials = null!, ReplicaRegions = [null!], PreviousKeys = null! },
            tenant: null);

        Assert.That(verification.ToString(), Does.Contain("ReplicaRegions:0: Not an AWS Region: the text is empty; "));
    }

    [Test]
    public async Task A_wrong_ARN_a_wrong_Region_and_wrong_settings_are_told_together()
    {
        var verification = await _connection.VerifyAsync(settings =>
        {
            settings.ReplicaRegions = ["eu-west-1"];
            settings.Credentials.RoleArn = "arn:aws:iam::1:role/x";
        });

        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[Check.AllowedRegion, Check.Settings]));
    }

    [Test]
    public async Task Oidc_without_a_source_of_tokens_is_told()
    {
        var services = _connection.World.Services();
        foreach (var service in services.Where(service => service.ServiceType == typeof(IOidcTokenProvider)).ToList())
        {
            _ = services.Remove(service);
        }

        var verifier = (IByokVerifier)_connection.World.Build(services).GetService(typeof(IByokVerifier))!;

        var verification = await verifier.VerifyAsync(_connection.World.Settings("Oidc"), tenant: null);

        Assert.That(verification.ToString(), Does.Contain(
            "Settings: Failed. Credentials:Type Oidc needs a source of tokens; the host must call AddOidcTokens."));
    }

    /// <summary>One step fails, the settings' other steps pass, and all that needs AWS is skipped.</summary>
    private async Task<ByokVerificationStep> RefusedAsync(Action<ByokKeySettings> change, Check check, int replicas = 1)
    {
        var verification = await _connection.VerifyAsync(change);

        Assert.That(verification.Succeeded, Is.False);
        Assert.That(verification.KeyHealth, Is.Null);
        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[check]), verification.ToString());
        var skipped = _connection.Checks.Where(
            c => c == Check.AllowedRegion ? check == Check.KeyArn : c == Check.Replica ? replicas > 0 : c > Check.Settings);
        Assert.That(Connection.Checked(verification, Skipped), Is.EqualTo(skipped), verification.ToString());
        Assert.That(
            verification.Steps.Where(step => step.Outcome == Skipped).Select(step => step.Message), Is.All.EqualTo(Connection.NotTried));
        var step = verification.Steps.Single(step => step.Outcome == Failed);
        Assert.That(step.Remedy, Is.EqualTo(check switch
        {
            Check.KeyArn => "Copy the ARN of the key again, from the AWS KMS console or from aws kms describe-key.",
            Check.AllowedRegion => "Use a key in an allowed Region, or ask the operator of the service to allow this one.",
            _ => "Correct the settings.",
        }));
        Assert.That((string?[])[step.Policy, step.Reason?.ToString(), step.Operation, step.RequestId], Is.All.Null);
        return step;
    }
}
