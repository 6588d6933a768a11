using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.Health;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 20: health was green while every call was denied.</summary>
[CancelAfter(120_000)]
internal sealed class HonestHealthTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConfirmationInterval = TimeSpan.FromSeconds(60);

    private ByokWorld _world = null!;
    private HealthHost _host = null!;
    private IByokKeyRing _writer = null!;

    private IByokKeyRing Ring => _host.Provider.GetRequiredService<IByokKeyRing>();

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        var writer = _world.AddBystander("writer", Policies.Permissions("*"));
        _writer = _world.Ring(
            "AccessKeys", s => s.Credentials = ByokCredentialSettings.AccessKeys(writer.AccessKeyId, writer.SecretAccessKey));
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    // Fault 20: one action is removed from the policy. ProbeAsync is never green while the calls that need the action are denied.
    [Test]
    public async Task A_probe_is_never_green_while_an_action_is_denied([Values] bool isCached, [Values] bool isReading)
    {
        await BeginAsync(isCached, isReading);
        Remove(isReading);

        for (var passed = TimeSpan.Zero; passed < ConfirmationInterval * 2; passed += 10 * Second)
        {
            await DeniedAsync(isReading);
            var health = await Ring.ProbeAsync();
            Assert.That(health.Status, Is.Not.EqualTo(HealthStatus.Healthy), $"after {passed}: {health}");
            _world.Time.Advance(10 * Second);
        }
    }

    // Fault 20: the health check is not green either, although it probed the key just before.
    [Test]
    public async Task A_health_check_is_not_green_while_an_action_is_denied([Values] bool isCached, [Values] bool isReading)
    {
        await BeginAsync(isCached, isReading);
        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        Remove(isReading);
        await DeniedAsync(isReading);

        Assert.That((await _host.RunAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy));
        _world.Time.Advance(ConfirmationInterval + Second);
        Assert.That((await _host.RunAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy), "without traffic");
    }

    // Fault 20: after the recovery, health turns green again without traffic: it confirms by itself, at most once per interval.
    [Test]
    public async Task Health_turns_green_again_without_traffic([Values] bool isCached, [Values] bool isReading)
    {
        await BeginAsync(isCached, isReading);
        Remove(isReading);
        await DeniedAsync(isReading);
        Assert.That((await Ring.ProbeAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy));

        _world.User.Policy = Policies.Permissions("*");
        _world.Time.Advance(ConfirmationInterval + Second);

        Assert.That((await Ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
    }

    // Fault 20: health itself confirms at most once per interval.
    [Test]
    public async Task Probes_of_a_denied_key_confirm_once_per_interval()
    {
        await BeginAsync(isCached: true, isReading: true);
        Remove(isReading: true);
        await DeniedAsync(isReading: true);
        await Ring.ProbeAsync();
        _world.Time.Advance(ConfirmationInterval + Second);
        _world.Aws.Log.Clear();

        for (var i = 0; i < 50; i++)
        {
            Assert.That((await Ring.ProbeAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy));
            _world.Time.Advance(Second);
        }

        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.InRange(1, 2), "two, if the turn of the interval falls into the 50 s");
    }

    // Fault 20: a call that works again makes health green at once.
    [Test]
    public async Task Health_is_green_as_soon_as_a_call_works_again([Values] bool isCached, [Values] bool isReading)
    {
        await BeginAsync(isCached, isReading);
        Remove(isReading);
        await DeniedAsync(isReading);
        Assert.That((await _host.RunAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy));

        _world.User.Policy = Policies.Permissions("*");
        _world.Time.Advance(2 * Second);
        await CallAsync(isReading);

        Assert.That((await Ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
    }

    private async Task BeginAsync(bool isCached, bool isReading)
    {
        _world.User.Policy = Policies.Permissions("*");
        _host = new HealthHost(_world, o => o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero).Add("").Check();
        await CallAsync(isReading: false);
        await CallAsync(isReading: true);
        _world.Time.Advance(Second);
        await CallAsync(isReading);
    }

    private void Remove(bool isReading) =>
        _world.User.Policy = Policies.Permissions("*", isReading ? "kms:Encrypt" : "kms:Decrypt", "kms:DescribeKey");

    private async Task DeniedAsync(bool isReading)
    {
        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => CallAsync(isReading));
        Assert.That(thrown!.Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
    }

    /// <summary>A call that needs a request of its own.</summary>
    private async Task CallAsync(bool isReading)
    {
        if (isReading)
        {
            await Ring.DecryptAsync(await _writer.EncryptAsync(new byte[1]));
        }
        else
        {
            (await Ring.CreateDataKeyAsync()).Dispose();
        }
    }
}
