using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>The built-in observer writes log events and a metric, and does not repeat the log event of a denial.</summary>
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class KeyEventLogTests
{
    private EventWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await EventWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Every_kind_is_logged_and_counted()
    {
        _world.Permit(Policies.Permissions(_world.World.Key.Arn, "kms:Encrypt", "kms:Decrypt"));
        using var record = new TelemetryRecord(traces: false);
        var instance = await _world.AddAsync();
        _world.World.Key.Disable();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        _world.World.Key.Enable();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        _world.BreakKms();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        _world.Aws.Faults.Clear();
        await _world.UseAsync(TimeSpan.FromMinutes(20), TimeSpan.FromSeconds(20));
        await instance.Observer.NextAsync(5);

        var key = _world.World.Key.Arn;
        await _world.World.LoggedAsync(" 62: ", 2);
        Assert.That(Logged(60), Is.EqualTo(1));
        Assert.That(Logged(61), Is.EqualTo(1));
        Assert.That(Logged(62), Is.EqualTo(2));
        Assert.That(Logged(9), Is.EqualTo(1), "the denial, once");
        Assert.That(_world.World.Logs.Entries, Has.Some.Contains($"60: Key {key} needs attention: DescribeKeyDenied. Deadline: unknown."));
        Assert.That(
            _world.World.Logs.Entries.Where(entry => entry.Contains(" 62: ", StringComparison.Ordinal)),
            Has.All.Matches($@"can be used again since {_world.World.Time.GetUtcNow().Year}-\d\d-\d\d 12:\d\d:\d\dZ\. Before:"));
        Assert.That(
            record.Of("scalr.byok.key.events").Select(one => one.Attributes),
            Is.EquivalentTo(RecordingObserver.List("Denied KeyDisabled",
                "Restored KeyDisabled",
                "Unreachable ServiceUnavailable",
                "Restored ServiceUnavailable",
                "Warned DescribeKeyDenied")));
    }

    [Test]
    public void Events_are_off_without_an_observer_and_their_log_is_added_once()
    {
        using var off = new ServiceCollection().AddScalrByok().Services.BuildServiceProvider();
        var services = new ServiceCollection();
        services.AddScalrByok().AddKeyEventLogging().AddKeyEventLogging().AddKeyObserver((_, _) => Task.CompletedTask);
        using var on = services.BuildServiceProvider();

        Assert.That(off.GetService<KeyEvents>(), Is.Null);
        Assert.That(on.GetService<KeyEvents>(), Is.Not.Null);
        Assert.That(services.Count(one => one.ServiceType.Name == "KeyObserverRegistration"), Is.EqualTo(2));
    }

    private int Logged(int id) => _world.World.Logs.Entries.Count(entry => entry.Contains($" {id}: ", StringComparison.Ordinal));
}
