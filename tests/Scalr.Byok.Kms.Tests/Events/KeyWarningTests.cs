using LocalAws;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Fleet;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Events.EventWorld;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>A slow query of keys in use by kms:DescribeKey finds what the customer should know before it happens.</summary>
[CancelAfter(240_000)]
internal sealed class KeyWarningTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(30);

    private EventWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await EventWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_key_in_use_is_queried_once_per_interval_and_an_idle_one_never()
    {
        await _world.AddAsync();
        await _world.UseAsync(TimeSpan.FromHours(2), Step);
        var inUse = _world.Queries;
        await _world.PassAsync(TimeSpan.FromHours(5));
        var idle = _world.Queries - inUse;

        // A confirmation follows a query's due time within a minute.
        Assert.That(inUse, Is.InRange(7, 9));
        Assert.That(idle, Is.Zero);
    }

    [Test]
    public async Task Instances_that_share_query_a_key_together_as_often_as_one()
    {
        var cache = new FleetTestCache(_world.World.Time);
        for (var i = 0; i < 3; i++)
        {
            await _world.AddAsync(with: builder =>
            {
                builder.Services.AddSingleton<IDistributedCache>(cache);
                builder.ShareConfirmations(o => o.Secrets = [FleetWorld.Secret]);
            });
        }

        await _world.UseAsync(TimeSpan.FromHours(2), Step);

        Assert.That(_world.Queries, Is.InRange(5, 9));
    }

    [Test]
    public async Task Nothing_is_queried_when_queries_are_off([Values(0, -1)] int milliseconds)
    {
        var instance = await _world.AddAsync(options: o => o.KeyEvents.QueryInterval = TimeSpan.FromMilliseconds(milliseconds));
        await _world.UseAsync(TimeSpan.FromHours(1), Step);
        _world.World.Key.ScheduleDeletion();
        await _world.UseAsync(TimeSpan.FromMinutes(3), Step);

        Assert.That((await instance.Observer.NextAsync()).Code, Is.EqualTo("KeyPendingDeletion"));
        Assert.That(_world.Queries, Is.Zero);
    }

    [Test]
    public async Task Nothing_is_queried_without_an_observer()
    {
        var ring = _world.World.Ring("AccessKeys", options: KeyUse.KeyUseWorld.Configure);
        var timers = _world.World.Clock.Created;
        for (var i = 0; i < 60; i++)
        {
            await ring.EncryptAsync("text"u8.ToArray());
            await _world.PassAsync(Step);
        }

        Assert.That(_world.Queries, Is.Zero);
        Assert.That(_world.Aws.Log.Count("Decrypt") + _world.Aws.Log.Count("Encrypt"), Is.GreaterThan(10), "the key was in use");
        Assert.That(_world.World.Clock.Created, Is.GreaterThan(timers), "time limits of calls");
    }

    [Test]
    public async Task Queries_of_many_keys_are_spread_over_the_interval()
    {
        for (var i = 0; i < 12; i++)
        {
            await _world.AddAsync();
        }

        List<int> perMinute = [];
        for (var minute = 0; minute < 15; minute++)
        {
            var before = _world.Queries;
            await _world.UseAsync(TimeSpan.FromMinutes(1), Step);
            perMinute.Add(_world.Queries - before);
        }

        Assert.That(perMinute.Sum(), Is.InRange(9, 12), "within the first interval");
        Assert.That(perMinute.Max(), Is.LessThan(8), string.Join(' ', perMinute));
    }

    [Test]
    public async Task The_date_of_a_deletion_is_reported()
    {
        var instance = await _world.AddAsync();
        _world.World.Key.ScheduleDeletion(days: 7);
        var deletion = _world.World.Time.GetUtcNow() + TimeSpan.FromDays(7);
        await _world.UseAsync(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(5));
        await instance.Observer.NextAsync(2);

        var warning = "Warned KeyPendingDeletion";
        Assert.That(instance.Observer.Seen, Is.EquivalentTo(RecordingObserver.List("Denied KeyPendingDeletion", warning)));
        var warned = instance.Observer.Events.Single(one => one.Kind == ByokKeyEventKind.Warned);
        Assert.That(warned.Deadline, Is.EqualTo(deletion).Within(Second));
        Assert.That(warned.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyPendingDeletion));
        Assert.That(_world.Queries, Is.EqualTo(1), "by the interval, or because of the denial");
        Assert.That(warned.RequestId, Does.Match("^[0-9a-f-]{36}$"));
    }

    [Test]
    public async Task Expiring_key_material_is_reported_once_for_each_date()
    {
        var key = _world.World.Customer.CreateKey(ByokWorld.Region, origin: "EXTERNAL");
        var expiry = _world.World.Time.GetUtcNow() + TimeSpan.FromDays(20);
        key.ImportMaterial(expiry);
        _world.Permit(Policies.Permissions(key.Arn));
        var instance = await _world.AddAsync(settings: settings => settings.KeyArn = key.Arn);
        await _world.UseAsync(TimeSpan.FromHours(1), Step);
        key.ImportMaterial(expiry + TimeSpan.FromDays(1));
        await _world.UseAsync(TimeSpan.FromHours(1), Step);
        await instance.Observer.NextAsync(2);

        Assert.That(instance.Observer.Seen, Is.EqualTo(RecordingObserver.List("Warned KeyMaterialExpires", "Warned KeyMaterialExpires")));
        var (first, second) = (instance.Observer.Events[0], instance.Observer.Events[1]);
        Assert.That(first.Deadline, Is.EqualTo(expiry).Within(Second));
        Assert.That(second.Deadline - first.Deadline, Is.EqualTo(TimeSpan.FromDays(1)));
        Assert.That(first.Id, Is.Not.EqualTo(second.Id));
        Assert.That((first.Owner, first.Reason), Is.EqualTo((ByokKeyFindingOwner.Customer, (ByokKeyUnavailableReason?)null)));
        Assert.That(first.Remedy, Does.StartWith("Import the same key material again"));
    }

    [Test]
    public async Task Two_instances_warn_with_one_id()
    {
        _world.Permit(Policies.Permissions(_world.World.Key.Arn, "kms:Encrypt", "kms:Decrypt"));
        var (one, other) = (await _world.AddAsync(), await _world.AddAsync());
        await _world.UseAsync(TimeSpan.FromMinutes(20), Step);

        Assert.That((await one.Observer.NextAsync()).Id, Is.EqualTo((await other.Observer.NextAsync()).Id));
    }

    [Test]
    public async Task A_denied_DescribeKey_is_one_warning_and_no_denial()
    {
        _world.Permit(Policies.Permissions(_world.World.Key.Arn, "kms:Encrypt", "kms:Decrypt"));
        var instance = await _world.AddAsync();
        await _world.UseAsync(TimeSpan.FromHours(2), Step);
        var warned = await instance.Observer.NextAsync();

        Assert.That(instance.Observer.Seen, Is.EqualTo(RecordingObserver.List("Warned DescribeKeyDenied")));
        Assert.That((warned.Deadline, warned.Owner), Is.EqualTo(((DateTimeOffset?)null, ByokKeyFindingOwner.Customer)));
        Assert.That(warned.Remedy, Does.StartWith("Grant kms:DescribeKey"));
        Assert.That(warned.RequestId, Does.Match("^[0-9a-f-]{36}$"));
        Assert.That(_world.World.Logs.Entries.Where(entry => entry.Contains("kms:DescribeKey", StringComparison.Ordinal)), Is.Empty);
        Assert.That(_world.Queries, Is.InRange(7, 9), "so that a later grant is found");
    }

    [Test]
    public async Task Nothing_is_queried_in_an_outage()
    {
        await _world.AddAsync();
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "kms" });
        await _world.UseAsync(TimeSpan.FromMinutes(40), Step);
        var inOutage = _world.Queries;
        _world.Aws.Faults.Clear();
        await _world.UseAsync(TimeSpan.FromMinutes(2), Step);

        Assert.That((inOutage, _world.Queries), Is.EqualTo((0, 1)));
    }
}
