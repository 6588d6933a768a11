using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>What a probe makes of a key that could not be described: who has to act, and that an outage blames no one.</summary>
internal sealed class ProbeRefusalTests
{
    private const string NoSuchKey = $"arn:aws:kms:us-east-1:{ByokWorld.CustomerAccount}:key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08";

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_key_that_may_not_be_described_is_degraded_since_it_may_well_encrypt()
    {
        _world.User.Policy = Policies.Permissions(_world.Key.Arn, "kms:Encrypt", "kms:Decrypt");
        var ring = _world.Ring("AccessKeys");

        var health = await ring.ProbeAsync();

        DemandUnseen(health, HealthStatus.Degraded, null, Findings.DescribeKeyDenied(_world.Key.Arn));
        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(new byte[1])), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task A_key_that_does_not_exist_is_not_found()
    {
        _world.User.Policy = Policies.Permissions("*");

        DemandUnseen(
            await _world.Ring("AccessKeys", settings => settings.KeyArn = NoSuchKey).ProbeAsync(), HealthStatus.Unhealthy, KeyNotFound,
            "Error KeyNotFound (Customer): The key does not exist. Check the key ARN: account 111122223333 has no such key in Region "
            + "us-east-1.");
    }

    [Test]
    public async Task A_key_of_another_Region_is_in_the_wrong_Region()
    {
        _world.Aws.Faults.Add(Fault.Error("NotFoundException", 400, "Invalid arn us-east-1") with { Operation = "DescribeKey" });

        DemandUnseen(
            await _world.Ring("AccessKeys").ProbeAsync(), HealthStatus.Unhealthy, WrongRegion,
            "Error WrongRegion (Customer): The key was requested in a Region that it does not belong to. Check the Region in the key "
            + "ARN: it says us-east-1.");
    }

    [Test]
    public async Task A_wrong_secret_is_rejected() => DemandUnseen(
        await _world.Ring("AccessKeys", settings => settings.Credentials.SecretAccessKey = new string('x', 40)).ProbeAsync(),
        HealthStatus.Unhealthy, CredentialsRejected,
        "Error CredentialsRejected (Customer): AWS does not accept the access key. "
        + "Check that the access key ID and the secret access key belong together and that the access key is active.");

    [Test]
    public async Task A_role_that_does_not_trust_the_host_is_not_assumable() => DemandUnseen(
        await _world.Ring("AssumeRole", settings => settings.Credentials.ExternalId = "another-external-id").ProbeAsync(),
        HealthStatus.Unhealthy, RoleNotAssumable,
        "Error RoleNotAssumable (Customer): AWS STS does not let the host assume the role. "
        + "Check the role ARN and the role's trust policy: its principal, and the external ID or the token's audience and subject that "
            + "it demands. AWS STS denies a mistyped role ARN with the same message.");

    [Test]
    public async Task A_token_of_an_audience_that_is_not_registered_is_rejected() => DemandUnseen(
        await _world.Ring("Oidc", settings => settings.Credentials.Audience = "unknown-audience").ProbeAsync(),
        HealthStatus.Unhealthy, TokenRejected,
        "Error TokenRejected (Customer): AWS STS does not accept the OIDC token. "
        + "Check the OIDC identity provider in the AWS account: its URL must be the host's issuer and its client IDs must include the "
            + "audience.");

    [TestCase("AssumeRole", "RegionDisabledException", RegionDisabled,
        "Error RegionDisabled (Customer): AWS STS is not activated in Region us-east-1 of the account. "
        + "Activate AWS STS for Region us-east-1 in the IAM account settings.")]
    [TestCase("Oidc", "PackedPolicyTooLarge", SessionPolicyTooLarge,
        "Error SessionPolicyTooLarge (Customer): "
            + "The session policy, which allows only the use of the customer's keys, exceeds the size limit of AWS STS. "
        + "This is for the host's operator: give the host's own session fewer tags and policies, or turn off RestrictSessions.")]
    public async Task A_session_that_STS_does_not_begin_is_told(string type, string code, ByokKeyUnavailableReason reason, string finding)
    {
        _world.Aws.Faults.Add(Fault.Error(code) with { Service = "sts" });

        DemandUnseen(await _world.Ring(type).ProbeAsync(), HealthStatus.Unhealthy, reason, finding);
    }

    [Test]
    public async Task A_host_whose_identity_is_rejected_is_at_fault()
    {
        _world.HostKey.Active = false;

        DemandUnseen(
            await _world.Ring("AssumeRole").ProbeAsync(), HealthStatus.Unhealthy, null,
            Findings.HostAtFault(
                $"The host's own AWS identity was rejected by AWS STS (InvalidClientTokenId), so sts:AssumeRole for the key "
                + $"{_world.Key.Arn} was not possible. "
                + "This is for the host's operator to correct, not for the customer: set HostIdentity in the options of AddScalrByok, "
                + "or give the process an AWS role."));
    }

    [TestCase(typeof(InvalidOperationException))]
    [TestCase(typeof(TaskCanceledException), TestName = "A_host_whose_tokens_fail_is_at_fault(its time limit)")]
    [TestCase(typeof(HttpRequestException))]
    public async Task A_host_whose_tokens_fail_is_at_fault(Type error)
    {
        _world.GetToken = (_, _) => throw (Exception)Activator.CreateInstance(error)!;

        DemandUnseen(
            await _world.Ring("Oidc").ProbeAsync(), HealthStatus.Unhealthy, null,
            Findings.HostAtFault(
                $"The host's OIDC token provider threw {error.Name}. Nothing was sent to AWS; the host's operator should check the "
                + "provider."));
    }

    [Test]
    public async Task A_host_whose_issuer_AWS_STS_cannot_reach_is_at_fault()
    {
        var token = _world.Token(ByokWorld.Audience, ByokWorld.Subject);
        _world.GetToken = (_, _) => new(token);
        await _world.OidcIssuer.DisposeAsync();

        DemandUnseen(await _world.Ring("Oidc").ProbeAsync(), HealthStatus.Unhealthy, null, IssuerOut("IDPCommunicationError"));
    }

    [Test]
    public async Task A_host_whose_issuers_keys_AWS_STS_cannot_fetch_is_at_fault()
    {
        _world.Aws.Faults.Add(
            Fault.Error("InvalidIdentityToken", 400, "Couldn't retrieve verification key from your identity provider") with
            {
                Service = "sts",
            });

        DemandUnseen(await _world.Ring("Oidc").ProbeAsync(), HealthStatus.Unhealthy, null, IssuerOut("InvalidIdentityToken"));
    }

    [Test]
    public async Task A_host_whose_clock_is_off_is_at_fault()
    {
        _world.Aws.Faults.Add(Fault.ClockSkew(TimeSpan.FromMinutes(20)));

        DemandUnseen(
            await _world.Ring("AccessKeys").ProbeAsync(), HealthStatus.Unhealthy, null,
            Findings.HostAtFault(
                $"kms:DescribeKey for the key {_world.Key.Arn} failed because this machine's clock and that of AWS differ "
                + "(InvalidSignatureException); "
                    + "check this machine's clock. Try again later. The key itself is not the cause."));
    }

    [TestCase("ThrottlingException", 400)]
    [TestCase("KMSInternalException", 500)]
    [TestCase("ServiceUnavailable", 503)]
    public async Task An_outage_has_no_reason(string code, int status)
    {
        _world.Aws.Faults.Add(Fault.Error(code, status));

        DemandUnseen(
            await _world.Ring("AccessKeys").ProbeAsync(), HealthStatus.Unhealthy, null,
            Findings.Outage(
                $"kms:DescribeKey for the key {_world.Key.Arn} failed: AWS answered {code}. Try again later. The key itself is not the "
                + "cause."));
    }

    [TestCase("AccessKeys", "kms:DescribeKey")]
    [TestCase("AssumeRole", "sts:AssumeRole")]
    [TestCase("Oidc", "sts:AssumeRoleWithWebIdentity")]
    public async Task A_proxy_that_answers_for_AWS_is_an_outage(string type, string operation)
    {
        _world.Aws.Faults.Add(Fault.Body(502, "text/html", "<html>Bad gateway</html>"));

        DemandUnseen(
            await _world.Ring(type).ProbeAsync(), HealthStatus.Unhealthy, null,
            Findings.Outage($"{operation} for the key {_world.Key.Arn} failed: AWS answered HTTP 502 without a readable error. "
                + "Try again later. The key itself is not the cause."));
    }

    [Test]
    public async Task AWS_that_does_not_answer_is_an_outage_after_the_time_limit()
    {
        _world.Aws.Faults.Add(Fault.BlackHole());
        var start = _world.Time.GetUtcNow();
        var probe = _world.Ring("AccessKeys").ProbeAsync();
        await _world.ReceivedAsync("DescribeKey");

        _world.Time.Advance(TimeSpan.FromSeconds(2));

        var health = await probe;
        DemandUnseen(
            health, HealthStatus.Unhealthy, null,
            Findings.Outage(
                $"kms:DescribeKey for the key {_world.Key.Arn} did not finish within 2 s at 127.0.0.1:{_world.Aws.Endpoint.Port}. This "
                + "address is configured by the host's operator, in the option Endpoints. Try again later. The key itself is not the "
                + "cause.",
                isConfigured: true));
        Assert.That((health.CheckedAt, health.Duration), Is.EqualTo((start, TimeSpan.FromSeconds(2))));
        Assert.That(health.ToString(), Is.EqualTo($"{_world.Key.Arn}: Unhealthy (ServiceUnavailable)"));
    }

    private string IssuerOut(string code) => Findings.HostAtFault(
        $"sts:AssumeRoleWithWebIdentity for the key {_world.Key.Arn} failed: AWS STS could not reach the issuer of the host's OIDC token "
        + $"({code}). Try again later. The key itself is not the cause.");

    private static void DemandUnseen(ByokKeyHealth health, HealthStatus status, ByokKeyUnavailableReason? reason, string finding)
    {
        health.DemandFindings(finding);
        Assert.That((health.Status, health.Reason, health.KeyState), Is.EqualTo((status, reason, KmsKeyState.Unknown)));
        string?[] told =
            [health.KeySpec, health.KeyUsage, health.Origin, health.KeyManager, health.PrimaryRegion, .. health.ReplicaRegions];
        Assert.That(told, Is.All.Null);
    }
}
