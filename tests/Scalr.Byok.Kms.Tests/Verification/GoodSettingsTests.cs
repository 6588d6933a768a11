using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationCheck;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// Settings with which all is right, under the policies of <see cref="ByokPolicies"/> alone: what the customer reads, and what AWS is
/// asked.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class GoodSettingsTests
{
    private readonly string _type;
    private Connection _connection = null!;

    public GoodSettingsTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(_type);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task Every_step_passes_and_says_what_was_found()
    {
        var verification = await _connection.VerifyAsync();

        Assert.That(verification.ToString().Split(Environment.NewLine), Is.EqualTo((string[])
        [
            $"KeyArn: Passed. The key ARN names a multi-Region key of account {ByokWorld.CustomerAccount}.",
            "AllowedRegion: Passed. Region us-east-1 is allowed.",
            "Settings: Passed. All other settings are valid.",
            .. CredentialSteps(),
            "DescribeKey: Passed. The key is Enabled (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT, origin AWS_KMS).",
            "Encrypt: Passed. kms:Encrypt works, without an encryption context.",
            "Decrypt: Passed. kms:Decrypt returns what was encrypted.",
            "Replica: Passed. The replica in Region us-east-2 encrypts, and decrypts what was encrypted in the key's own Region.",
            $"PreviousKey: Passed. The previous key {_connection.OldKey.Arn} can be reached and is Enabled.",
        ]));
        Assert.That(verification.Succeeded, Is.True);
        Assert.That(verification.Steps.Select(step => step.Check), Is.EqualTo(_connection.Checks));
        foreach (var step in verification.Steps)
        {
            Assert.That((string?[])[step.Remedy, step.Policy, step.Reason?.ToString(), step.Operation, step.RequestId], Is.All.Null);
            Assert.That(
                step.Region,
                Is.EqualTo(step.Check switch { Replica => "us-east-2", PreviousKey => "us-west-2", _ => "us-east-1" }),
                $"{step.Check}");
        }
    }

    [Test]
    public async Task AWS_is_asked_for_no_more_than_the_steps_need()
    {
        await _connection.VerifyAsync();

        var (key, replica, role) = (_connection.World.Key.Arn, _connection.ReplicaKey.Arn, _connection.Role.Arn);
        string[] began = [$"{_connection.Assume} {role}"];
        string[] strangers = [$"{_connection.Assume} {role} AccessDenied"];
        Assert.That(_connection.World.Aws.Log.Requests.Select(r => $"{r.Operation} {r.Key} {r.ErrorCode}".TrimEnd()), Is.EqualTo((string[])
        [
            .. _connection.HasRole ? [.. began, .. strangers] : Array.Empty<string>(),
            $"DescribeKey {key}",
            $"Encrypt {key}",
            $"Decrypt {key}",
            .. _connection.HasRole ? began : [],
            $"DescribeKey {replica}",
            $"Decrypt {replica}",
            $"Encrypt {replica}",
            $"DescribeKey {_connection.OldKey.Arn}",
        ]));
    }

    [Test]
    public async Task The_keys_health_is_told_as_a_probe_tells_it()
    {
        var verification = await _connection.VerifyAsync();

        var health = verification.KeyHealth!;
        Assert.That(health.KeyArn, Is.EqualTo(_connection.KeyArn));
        Assert.That(health.Status, Is.EqualTo(HealthStatus.Healthy));
        Assert.That(health.KeyState, Is.EqualTo(KmsKeyState.Enabled));
        Assert.That(health.PrimaryRegion, Is.EqualTo("us-east-1"));
        Assert.That(health.ReplicaRegions, Is.EqualTo((string[])["us-east-2"]));
    }

    [Test]
    public async Task Each_step_is_reported_as_it_ends()
    {
        var told = new Told();

        var verification = await _connection.VerifyAsync(how: new ByokVerificationOptions { Progress = told });

        Assert.That(told.All.Select(progress => progress.Step), Is.EqualTo(verification.Steps));
        Assert.That(
            told.All.Select(progress => progress.Attempt),
            Is.EqualTo(verification.Steps.Select(step => step.Check <= ByokVerificationCheck.Settings ? 0 : 1)));
        Assert.That(told.Retries, Is.Empty);
    }

    [Test]
    public async Task The_library_works_with_these_policies_and_nothing_more()
    {
        foreach (var (arn, replica) in (IEnumerable<(
            string, string)>)[(_connection.World.Key.Arn, "us-east-2"), (_connection.ReplicaKey.Arn, "us-east-1")])
        {
            var settings = _connection.GoodSettings();
            (settings.KeyArn, settings.ReplicaRegions) = (arn, [replica]);
            var ring = _connection.World.Ring(settings);

            var message = await ring.EncryptAsync("secret"u8.ToArray());

            Assert.That(await ring.DecryptAsync(message), Is.EqualTo("secret"u8.ToArray()));
            Assert.That(await ring.DecryptAsync(await ring.ReencryptAsync(message)), Is.EqualTo("secret"u8.ToArray()));
            Assert.That((await ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
            await _connection.AllPassAsync(s => (s.KeyArn, s.ReplicaRegions) = (arn, [replica]));
        }
    }

    [Test]
    public async Task A_key_of_one_Region_without_previous_keys_has_fewer_steps()
    {
        var key = _connection.World.Customer.CreateKey(ByokWorld.Region);
        _connection.Permissions = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(key.Arn));

        var verification = await _connection.VerifyAsync(
            settings => (settings.KeyArn, settings.ReplicaRegions, settings.PreviousKeys) = (key.Arn, [], []));

        Assert.That(verification.Steps.Select(step => step.Check), Is.EqualTo(_connection.Checks.Except([Replica, PreviousKey])));
        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(verification.Steps[0].Message, Is.EqualTo($"The key ARN names a key of account {ByokWorld.CustomerAccount}."));
    }

    private string[] CredentialSteps() => _type switch
    {
        ByokCredentialSettings.AccessKeysType =>
            ["Credentials: Passed. The access key is used as it is, without a call to AWS STS; the next step shows whether AWS accepts "
                + "it."],
        ByokCredentialSettings.AssumeRoleType =>
        [
            $"Credentials: Passed. sts:AssumeRole in Region us-east-1 began a session as {Session("scalr-byok")}.",
            "RoleTrust: Passed. The role cannot be assumed without the external ID.",
        ],
        _ =>
        [
            $"Credentials: Passed. sts:AssumeRoleWithWebIdentity in Region us-east-1 began a session as {Session("scalr-byok-oidc")}.",
            "RoleTrust: Passed. The role does not admit a token of another subject.",
        ],
    };

    private static string Session(string role) => $"arn:aws:sts::{ByokWorld.CustomerAccount}:assumed-role/{role}/Scalr.Byok.Kms";
}
