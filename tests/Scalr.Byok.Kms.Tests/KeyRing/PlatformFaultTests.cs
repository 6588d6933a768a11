using Amazon.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A problem of the platform key is the host's: no tenant is told to act.</summary>
[CancelAfter(120_000)]
internal sealed class PlatformFaultTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();
    private static readonly string[] Actions = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"];

    private PlatformHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await PlatformHost.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task A_disabled_platform_key_fails_each_kind_of_call_as_the_hosts_fault()
    {
        _host.Restart(options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        using var key = await ring.CreateDataKeyAsync();
        var value = key.EncryptText("value");
        _host.Key.Disable();
        _host.World.Time.Advance(TimeSpan.FromMinutes(6));

        var thrown = await FailsAsync(async () => await ring.EncryptAsync(Plaintext));
        await FailsAsync(async () => await ring.DecryptAsync(message));
        await FailsAsync(() => ring.DecryptAsync(new MemoryStream(message), new MemoryStream()));
        await FailsAsync(async () => await ring.CreateDataKeyAsync());
        await FailsAsync(async () => await ring.OpenDataKeyAsync(key.EncryptedKey));
        await ByokWorld.UntilAsync(
            () => Caught(() => key.DecryptText(value)) is ByokServiceException { IsTransient: false }, "the data key stayed open");

        var denial = (ByokKeyUnavailableException)thrown.InnerException!;
        Assert.That(
            thrown.Message,
            Is.EqualTo($"The host's platform key {_host.Key.Arn} cannot be used. The key is disabled. Enable the key in AWS KMS. "
                + "This is for the host's operator to correct, not for the customer."));
        Assert.That(Actions, Has.Member(thrown.Operation));
        Assert.That((thrown.Region, thrown.RequestId), Is.EqualTo((ByokWorld.Region, denial.RequestId)));
        Assert.That(denial.RequestId, Is.Not.Empty);
        Assert.That(denial.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        _host.Key.Enable();
        _host.World.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task Health_names_the_host_and_is_unhealthy()
    {
        var host = new TenantHost(_host.World, with: byok =>
        {
            _host.AddKey()(byok);
            byok.Services.AddLogging();
            byok.Services.AddHealthChecks().AddByokKeyRings();
        });
        host.Store["platform"] = ByokKeySettings.Platform;
        host.Store["acme"] = _host.World.Settings("AccessKeys");
        var ring = await host.GetAsync("platform");
        await host.GetAsync("acme");
        _host.Key.Disable();

        var health = await ring.ProbeAsync();
        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        Assert.That(health.Findings.Select(finding => finding.Owner), Is.All.EqualTo(ByokKeyFindingOwner.Host));
        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Unhealthy, ByokKeyUnavailableReason.KeyDisabled)));
        Assert.That(report.Status, Is.EqualTo(HealthStatus.Unhealthy), "a customer's key would be degraded");
        Assert.That(report.Entries["byok"].Description, Does.Contain("KeyDisabled (Host)"));
    }

    [Test]
    public async Task Health_of_a_key_whose_use_is_denied_names_the_host([Values("kms:DescribeKey", "kms:Decrypt")] string denied)
    {
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        _host.World.HostUser.Policy = Policies.Permissions("*", [.. Actions.Except([denied])]);
        if (denied == "kms:Decrypt")
        {
            await FailsAsync(async () => await ring.DecryptAsync(message));
        }

        var health = await ring.ProbeAsync();

        Assert.That(health.Findings, Is.Not.Empty);
        Assert.That(health.Findings.Select(finding => finding.Owner), Is.All.EqualTo(ByokKeyFindingOwner.Host));
    }

    [Test]
    public async Task A_rejected_access_key_of_the_host_is_a_failure_of_its_identity_and_erases_nothing()
    {
        _host.Restart(options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(message);
        _host.World.HostKey.Active = false;
        _host.World.Time.Advance(TimeSpan.FromMinutes(2));
        var context = new Dictionary<string, string> { ["fresh"] = "1" };

        var thrown = await FailsAsync(async () => await ring.EncryptAsync(Plaintext, context));

        Assert.That(thrown.Message, Does.StartWith("The host's own AWS identity was rejected by AWS KMS (UnrecognizedClientException)"));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext), "as in an outage");
    }

    [Test]
    public async Task A_host_without_credentials_is_told_so()
    {
        _host.Restart(with: byok =>
        {
            _host.AddKey()(byok);
            byok.UseHostCredentials(_ => new NoCredentials());
        });

        var thrown = await FailsAsync(async () => await (await _host.GetAsync("platform")).EncryptAsync(Plaintext));

        Assert.That(
            thrown.Message,
            Is.EqualTo($"The host's own AWS identity was not found, so kms:Encrypt for the key {_host.Key.Arn} was not possible. This is "
                + "for the host's operator to correct, not for the customer: set HostIdentity in the options of AddScalrByok, or give the "
                + "process an AWS role."));
    }

    private static async Task<ByokServiceException> FailsAsync(Func<Task> call)
    {
        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => call());
        Assert.That(thrown!.IsTransient, Is.False, thrown.Message);
        return thrown;
    }

    private static ByokException? Caught(Action call)
    {
        try
        {
            call();
            return null;
        }
        catch (ByokException e)
        {
            return e;
        }
    }

    private sealed class NoCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw new AmazonClientException("none");
    }
}
