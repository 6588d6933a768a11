using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>"Test connection" with what another tenant has registered; and without the host's account.</summary>
[CancelAfter(120_000)]
internal sealed class RegistrationTests
{
    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_confused_deputy_is_refused_before_AWS_is_asked(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type, [Values("mallory", null)] string? tenant)
    {
        _host.Store.Register("victim-of-41", _world.Settings(type));

        var verification = await VerifyAsync(_host, _world.Settings(type), tenant);

        var step = verification.Steps.Single(step => step.Outcome == Failed);
        var paths = type == ByokCredentialSettings.AccessKeysType ? "KeyArn" : "KeyArn, Credentials:RoleArn";
        Assert.That((step.Check, step.Region), Is.EqualTo((Check.Registration, ByokWorld.Region)));
        Assert.That(step.Message, Is.EqualTo($"Not available to this tenant: {paths}."));
        Assert.That(
            step.Remedy, Is.EqualTo("Use a key and a role that were made for this tenant alone. If these were, ask the host's operator."));
        Assert.That(
            (step.Policy, step.Reason, step.Operation), Is.EqualTo((default(string), default(ByokKeyUnavailableReason?), default(string))));
        Assert.That(
            Connection.Checked(verification, Skipped),
            Is.EqualTo(Enum.GetValues<Check>().Where(check =>
                check is Check.Credentials or Check.DescribeKey or Check.Encrypt or Check.Decrypt
                || (check == Check.RoleTrust && paths != "KeyArn"))));
        Assert.That($"{verification} {step.Remedy}", Does.Not.Contain("victim-of-41").And.Not.Contain(ByokWorld.ExternalId));
        Assert.That((verification.Succeeded, _world.Aws.Log.Requests.Count), Is.EqualTo((false, 0)));
    }

    [Test]
    public async Task The_tenant_itself_passes_by_any_of_its_names_and_so_does_who_is_first()
    {
        var host = new TenantHost(_world, with: byok => byok.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase));
        var first = await VerifyAsync(host, _world.Settings("AssumeRole"), "acme");
        host.Store.Register("ACME", _world.Settings("AssumeRole"));
        var again = await VerifyAsync(host, _world.Settings("AssumeRole"), "Acme");

        foreach (var verification in (ByokVerification[])[first, again])
        {
            var step = verification.Steps.Single(step => step.Check == Check.Registration);
            Assert.That(step.ToString(), Is.EqualTo("Registration: Passed. No key and no role is registered for another tenant."));
            Assert.That(
                verification.Steps.Take(4).Select(step => step.Check),
                Is.EqualTo((Check[])[Check.KeyArn, Check.AllowedRegion, Check.Settings, Check.Registration]));
            Assert.That(verification.Succeeded, Is.True, verification.ToString());
        }
    }

    [Test]
    public async Task Settings_that_are_wrong_are_not_looked_up()
    {
        var settings = _world.Settings("AssumeRole");
        settings.Credentials.ExternalId = "";

        var verification = await VerifyAsync(_host, settings, "acme");

        Assert.That(verification.Steps.Single(step => step.Check == Check.Registration).Outcome, Is.EqualTo(Skipped));
        Assert.That(_host.Store.LookedUp, Is.Empty);
    }

    [Test]
    public async Task Without_registrations_or_with_shared_keys_there_is_no_such_step()
    {
        var shared = new TenantHost(_world, options => options.AllowSharedKeys = true);
        shared.Store.Register("victim", _world.Settings("AssumeRole"));
        var without = _world.Build(_world.Services()).GetRequiredService<IByokVerifier>();

        foreach (var verification in (ByokVerification[])
            [
                await VerifyAsync(shared, _world.Settings("AssumeRole"), "friend"),
                await without.VerifyAsync(_world.Settings("AssumeRole"), "friend"),
            ])
        {
            Assert.That(verification.Steps.Select(step => step.Check), Does.Not.Contain(Check.Registration));
            Assert.That(verification.Succeeded, Is.True, verification.ToString());
        }

        Assert.That(shared.Store.LookedUp, Is.Empty);
    }

    [Test]
    public async Task A_look_up_that_fails_is_a_failed_step_of_the_host()
    {
        _host.Store.LookingUp = _ => throw new TimeoutException("S3cret connection string");

        var verification = await VerifyAsync(_host, _world.Settings("AssumeRole"), "acme");

        var step = verification.Steps.Single(step => step.Outcome == Failed);
        Assert.That(step.ToString(), Is.EqualTo("Registration: Failed. The host's own code failed with TimeoutException."));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_look_up_that_hangs_ends_in_time_and_with_the_callers_token([Values] bool cancels)
    {
        using var cancellation = new CancellationTokenSource();
        var begun = new TaskCompletionSource();
        _host.Store.LookingUp = _ =>
        {
            begun.SetResult();
            return new TaskCompletionSource().Task;
        };
        var verifying = _host.Services.GetRequiredService<IByokVerifier>().VerifyAsync(
            _world.Settings("AssumeRole"), "acme", cancellation.Token);
        await begun.Task;

        if (cancels)
        {
            await cancellation.CancelAsync();
            await Assert.CatchAsync<OperationCanceledException>(() => verifying);
            return;
        }

        _world.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.That((await verifying).Steps.Single(step => step.Outcome == Failed).Check, Is.EqualTo(Check.Registration));
    }

    [Test]
    public async Task AssumeRole_cannot_be_verified_without_the_hosts_account([Values] bool isPrevious)
    {
        var host = new TenantHost(_world, options => options.HostAccountId = null);
        var settings = _world.Settings(isPrevious ? "AccessKeys" : "AssumeRole");
        settings.PreviousKeys = isPrevious
            ? [new() { KeyArn = _world.Customer.CreateKey(ByokWorld.Region).Arn, Credentials = _world.Settings("AssumeRole").Credentials }]
            : [];

        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => VerifyAsync(host, settings, "acme"));

        Assert.That(thrown!.Message, Is.EqualTo(
            "Settings with credentials of type AssumeRole cannot be verified without the AWS account of the host. Set HostAccountId in "
            + "the options of AddScalrByok."));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
        Assert.That((await VerifyAsync(host, _world.Settings("Oidc"), tenant: null)).Succeeded, Is.True);
        Assert.That(
            (await VerifyAsync(host, new ByokKeySettings { Credentials = null!, PreviousKeys = [null!] }, tenant: null)).Succeeded,
            Is.False);
    }

    [Test]
    public async Task Keys_and_roles_in_the_hosts_account_are_refused_before_AWS_is_asked()
    {
        var settings = _world.Settings("AssumeRole");
        settings.KeyArn = _world.Aws.Account(ByokWorld.HostAccount).CreateKey(ByokWorld.Region).Arn;
        settings.Credentials.RoleArn = $"arn:aws:iam::{ByokWorld.HostAccount}:role/admin";

        var verification = await VerifyAsync(_host, settings, "acme");

        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[Check.KeyArn, Check.Settings]), verification.ToString());
        Assert.That(
            verification.Steps.Where(step => step.Outcome == Failed).Select(step => step.Message),
            Is.All.Contains($"is in account {ByokWorld.HostAccount}, which is HostAccountId, the host's own."));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    private static Task<ByokVerification> VerifyAsync(TenantHost host, ByokKeySettings settings, string? tenant) =>
        host.Services.GetRequiredService<IByokVerifier>().VerifyAsync(settings, tenant);
}
