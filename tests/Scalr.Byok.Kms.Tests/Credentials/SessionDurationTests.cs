using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>Roles that do not allow sessions of the length that the host's options ask for.</summary>
[TestFixture("AssumeRole", "AssumeRole")]
[TestFixture("Oidc", "AssumeRoleWithWebIdentity")]
internal sealed class SessionDurationTests
{
    private readonly string _type;
    private readonly string _operation;
    private ByokWorld _world = null!;

    public SessionDurationTests(string type, string operation)
    {
        _type = type;
        _operation = operation;
    }

    private LocalRole Role => _type == ByokCredentialSettings.OidcType ? _world.OidcRole : _world.AssumedRole;

    private int Asked => _world.Aws.Log.Count(_operation);

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task One_hour_is_used_where_the_role_allows_no_more_and_remembered_for_an_hour()
    {
        var ring = Ring();

        await ring.EncryptAsync(new byte[1]);
        Assert.That(Asked, Is.EqualTo(2), "12 hours, then 1 hour");
        _world.Time.Advance(TimeSpan.FromMinutes(59));
        await ring.EncryptAsync(new byte[1]);
        await _world.LoggedAsync("began a session", 2);
        Assert.That(Asked, Is.EqualTo(3), "the limit is remembered");
        _world.Time.Advance(TimeSpan.FromMinutes(61));
        await ring.EncryptAsync(new byte[1]);
        Assert.That(Asked, Is.EqualTo(5), "the options' duration is tried again after an hour");
    }

    [Test]
    public async Task A_role_that_allows_more_later_gets_the_duration_of_the_options()
    {
        var ring = Ring();
        await ring.EncryptAsync(new byte[1]);
        Role.MaxSessionDuration = TimeSpan.FromHours(12);
        _world.Time.Advance(TimeSpan.FromMinutes(61));

        await ring.EncryptAsync(new byte[1]);
        _world.Time.Advance(TimeSpan.FromHours(2));
        await ring.EncryptAsync(new byte[1]);

        var health = await ring.ProbeAsync();
        Assert.That(health.Findings.Select(finding => finding.Code), Has.None.EqualTo(ByokKeyFindingCode.SessionShortened));
    }

    [Test]
    public async Task A_probe_names_both_durations_and_who_can_change_what()
    {
        var health = await Ring().ProbeAsync();

        var finding = health.Findings.Single(finding => finding.Code == ByokKeyFindingCode.SessionShortened);
        Assert.That(
            (health.Status, finding.Severity, finding.Owner),
            Is.EqualTo((HealthStatus.Degraded, ByokKeyFindingSeverity.Warning, ByokKeyFindingOwner.Customer)));
        Assert.That((finding.Message, finding.Remedy), Is.EqualTo((
            "The role does not allow sessions of 12 hours. Sessions of 1 hour are used instead.",
            "The customer can raise the role's maximum session duration to 12 hours in IAM, or the host's operator can set "
            + "SessionDuration to 1 hour.")));
    }

    [Test]
    public async Task A_probe_names_the_previous_key_whose_sessions_are_shorter()
    {
        var message = await _world.Ring(_type).EncryptAsync(new byte[1]);
        var key = _world.Customer.CreateKey(ByokWorld.Region);
        var user = _world.Customer.CreateUser("new-key", Policies.Permissions(key.Arn)).CreateAccessKey();
        _world.Remember(user.SecretAccessKey);
        var ring = _world.Ring(
            new ByokKeySettings
            {
                KeyArn = key.Arn,
                Credentials = ByokCredentialSettings.AccessKeys(user.AccessKeyId, user.SecretAccessKey),
                PreviousKeys = [new() { KeyArn = _world.Key.Arn, Credentials = _world.Settings(_type).Credentials }],
            },
            options: o => o.SessionDuration = TimeSpan.FromHours(12));
        await ring.DecryptAsync(message);

        var finding = (await ring.ProbeAsync()).Findings.Single(finding => finding.Code == ByokKeyFindingCode.SessionShortened);

        Assert.That(
            finding.Message,
            Is.EqualTo($"Previous key {_world.Key.Arn}: The role does not allow sessions of 12 hours. Sessions of 1 hour are used "
                + "instead."));
    }

    [Test]
    public async Task The_verifier_warns()
    {
        var verifier = _world.Build(_world.Services(o => o.SessionDuration = TimeSpan.FromMinutes(90))).GetRequiredService<IByokVerifier>();

        var verification = await verifier.VerifyAsync(_world.Settings(_type), tenant: null);

        var step = verification.Steps.Single(step => step.Outcome == ByokVerificationOutcome.Warning);
        Assert.That(verification.Succeeded, Is.True);
        Assert.That((step.Check, step.Message), Is.EqualTo((
            ByokVerificationCheck.Credentials, "The role does not allow sessions of 1.5 hours. Sessions of 1 hour are used instead.")));
        Assert.That(step.Remedy, Does.StartWith("The customer can raise the role's maximum session duration to 1.5 hours in IAM"));
    }

    [Test]
    public async Task Another_ValidationError_is_not_taken_for_the_duration()
    {
        _world.Aws.Faults.Add(
            Fault.Error("ValidationError", 400, "RoleSessionName must have 2 to 64 characters.") with { Service = "sts" });

        await Assert.CatchAsync<ByokException>(async () => await Ring().EncryptAsync(new byte[1]));

        Assert.That(Asked, Is.EqualTo(1));
    }

    private IByokKeyRing Ring() => _world.Ring(_type, options: o => o.SessionDuration = TimeSpan.FromHours(12));
}
