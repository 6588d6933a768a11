using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyFindingOwner;
using static Scalr.Byok.Kms.ByokKeyFindingSeverity;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>A host of a thousand customers: few probes at a time, a short answer, and a turn for each.</summary>
internal sealed class HealthCheckScaleTests
{
    private const int Many = 1000;
    private const int AtATime = 32;

    private ByokWorld _world = null!;
    private HealthHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new HealthHost(_world);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task At_most_32_rings_are_probed_at_a_time()
    {
        var (underWay, most, all) = (0, 0, 0);
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new Lock();
        for (var i = 0; i < Many; i++)
        {
            _host.AddMock($"customer-{i}", async () =>
            {
                lock (gate)
                {
                    (underWay, all) = (underWay + 1, all + 1);
                    most = Math.Max(most, underWay);
                    if (underWay == AtATime)
                    {
                        full.TrySetResult();
                    }
                }

                await full.Task;
                await Task.Yield();
                lock (gate)
                {
                    underWay--;
                }

                return _host.Health();
            });
        }

        var entry = await _host.Check().RunAsync().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.That((entry.Status, entry.Description), Is.EqualTo((HealthStatus.Healthy, "All 1000 key rings are healthy.")));
        Assert.That((most, all), Is.EqualTo((AtATime, Many)));
    }

    [Test]
    public async Task The_answer_is_short_and_has_the_worst_first()
    {
        for (var i = 0; i < Many; i++)
        {
            var finding = (i % 100) switch
            {
                98 => HealthHost.Finding("HostAtFault", Error, Host),
                < 50 => HealthHost.Finding("KeyMaterialExpires", Warning),
                < 70 => HealthHost.Finding($"Reason{i % 100}", Error),
                _ => HealthHost.Finding("SingleRegionKey", Information),
            };
            _host.AddMock($"customer-{i:000}", () => Task.FromResult(_host.Health(HealthStatus.Degraded, finding)));
        }

        var entry = await _host.Check(options =>
        {
            options.IncludeCustomerData = true;
            options.MaxReported = 12;
        }).RunAsync();

        Assert.That(entry.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That(
            entry.Description, Does.StartWith("710 of 1000 key rings are not healthy: 10 HostAtFault (Host), 10 Reason50 (Customer), "));
        Assert.That(entry.Description, Does.EndWith(", 500 KeyMaterialExpires (Customer).").And.Length.LessThan(1000));
        Assert.That((entry.Data["keyRings"], entry.Data["failed"], entry.Data["warned"]), Is.EqualTo((1000, 210, 500)));
        Assert.That(
            entry.Data.Keys.Where(key => key.StartsWith("keyRing:", StringComparison.Ordinal)),
            Is.EqualTo(Enumerable.Range(0, 10)
                .Select(i => $"keyRing:customer-{i}98")
                .Concat(Findings.These("keyRing:customer-050", "keyRing:customer-051"))));
    }

    [Test]
    public async Task Rings_for_which_there_was_no_time_come_first_the_next_time()
    {
        var (begun, hold) = (new ConcurrentQueue<int>(), new TaskCompletionSource());
        for (var i = 0; i < 100; i++)
        {
            var number = i;
            _host.AddMock($"customer-{i}", async () =>
            {
                begun.Enqueue(number);
                await hold.Task;
                return _host.Health();
            });
        }

        var check = _host.Check(options => options.MaxAge = TimeSpan.Zero).RunAsync();
        while (begun.Count < AtATime)
        {
            await Task.Yield();
        }

        _world.Time.Advance(TimeSpan.FromSeconds(5));

        var entry = await check;
        Assert.That(entry.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That(entry.Description, Is.EqualTo(
            "32 of 100 key rings are not healthy: 32 ServiceUnavailable (Aws); 68 were not reached in time and are checked first next "
            + "time."));
        Assert.That((entry.Data["failed"], entry.Data["notChecked"]), Is.EqualTo((32, 68)));

        hold.SetResult();
        var probes = _host.Provider.GetRequiredService<KeyRingProbes>();
        var rings = Enumerable.Range(0, 100).Select(i => _host.Provider.GetRequiredKeyedService<IByokKeyRing>($"customer-{i}")).ToList();
        while (rings.Exists(ring => probes.TurnOf(ring).Class == 0))
        {
            await Task.Yield();
        }

        var first = begun.ToList();
        hold = new TaskCompletionSource();
        check = _host.RunAsync();
        while (begun.Count < 2 * AtATime)
        {
            await Task.Yield();
        }

        Assert.That(begun.Skip(AtATime).Intersect(first), Is.Empty, "those that had their turn wait");
        hold.SetResult();
        Assert.That((await check).Description, Is.EqualTo("All 100 key rings are healthy."));
        Assert.That(begun.Distinct().ToList(), Has.Count.EqualTo(100));
    }

    [Test]
    public async Task A_host_of_too_many_customers_for_the_time_limit_is_not_unhealthy_for_that()
    {
        for (var i = 0; i < 200; i++)
        {
            _host.AddMock($"customer-{i}", () =>
            {
                _world.Time.Advance(TimeSpan.FromMilliseconds(100));
                return Task.FromResult(_host.Health());
            });
        }

        _host.Check();
        var first = await _host.RunAsync();

        var unseen = (int)first.Data["notChecked"];
        Assert.That(unseen, Is.InRange(50, 150));
        Assert.That((first.Status, first.Description), Is.EqualTo(
            (
                HealthStatus.Healthy,
                $"{200 - unseen} of 200 key rings are healthy; the others were not reached in time and are checked first next time.")));
        for (var i = 0; i < 3; i++)
        {
            _ = await _host.RunAsync();
        }

        Assert.That((await _host.RunAsync()).Description, Is.EqualTo("All 200 key rings are healthy."));
    }

    [Test]
    public async Task A_ring_that_throws_is_the_hosts_to_mend_and_hides_no_other()
    {
        var entry = await _host.AddMock(
            "acme", () => Task.FromException<ByokKeyHealth>(new InvalidOperationException("the secret text of it")))
            .AddMock("globex", () => throw new ObjectDisposedException("the secret text of it"))
            .AddMock("hooli", () => Task.FromCanceled<ByokKeyHealth>(new CancellationToken(canceled: true)))
            .Add("initech").Check(options => options.IncludeCustomerData = true).RunAsync();

        Assert.That(
            (entry.Status, entry.Description),
            Is.EqualTo((HealthStatus.Unhealthy, "3 of 4 key rings are not healthy: 3 HostAtFault (Host).")));
        Assert.That(entry.Data["keyRing:acme"], Is.EqualTo(
            "HostAtFault. The key ring could not be queried (InvalidOperationException). The host's operator has to correct it; the "
            + "customer cannot."));
        Assert.That(string.Join(' ', entry.Data.Values), Does.Not.Contain("secret text"));
    }
}
