using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>"Must show": tenants whose role does not trust the host take at most a tenth of the session bucket.</summary>
[CancelAfter(300_000)]
[Category("Slow")]
internal sealed class SessionBucketTests
{
    private const int Seconds = 6;
    private const int StepsPerSecond = 20;

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TotalTimeout = TimeSpan.FromSeconds(20);

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    // 600 tenants without role trust make one call per second each. Healthy tenants use the bucket at the same time.
    [TestCase(100, 600)]
    [TestCase(50, 300)]
    public async Task Denied_tenants_take_a_tenth_of_the_bucket(int perSecond, int tenants)
    {
        var trust = Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId);
        var denied = _world.Customer.CreateRole("denied", trust, Policies.Permissions(_world.Key.Arn));
        var host = new TenantHost(_world, o =>
        {
            o.Resilience.MaxSessionStartsPerSecond = perSecond;
            (o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) = (AttemptTimeout, TotalTimeout);
        });
        host.Store.Any = tenant => tenant[0] == 'd'
            ? new ByokKeySettings
            {
                KeyArn = _world.Key.Arn,
                Credentials = ByokCredentialSettings.AssumeRole(denied.Arn, ByokWorld.ExternalId),
            }
            : _world.Settings(ByokCredentialSettings.AssumeRoleType);
        for (var i = 0; i < tenants; i++)
        {
            Assert.That(await CallAsync(host, $"d{i}"), Is.False); // each has been denied once
            _world.Time.Advance(TimeSpan.FromSeconds(1.0 / perSecond));
        }

        _world.Aws.Log.Clear();
        var start = _world.Time.GetUtcNow();
        List<Task<bool>> healthy = [];
        List<Task<bool>> others = [];
        for (var second = 0; second < Seconds; second++)
        {
            others.AddRange(Enumerable.Range(0, tenants).Select(i => CallAsync(host, $"d{i}")));
            healthy.AddRange(Enumerable.Range(0, perSecond * 8 / 10).Select(i => CallAsync(host, $"h{second}-{i}")));
            for (var step = 0; step < StepsPerSecond; step++)
            {
                await PassAsync(TimeSpan.FromSeconds(1.0 / StepsPerSecond));
            }
        }

        var seconds = (_world.Time.GetUtcNow() - start).TotalSeconds;
        var starts = _world.Aws.Log.Requests.Count(request => request.Operation == "AssumeRole" && request.Key == denied.Arn);
        var served = await Task.WhenAll(healthy);
        for (var passed = 0; passed < 2 * TotalTimeout.TotalSeconds && others.Exists(call => !call.IsCompleted); passed++)
        {
            await PassAsync(TimeSpan.FromSeconds(1)); // the rest waits for a session until its time limit
        }

        await Task.WhenAll(others);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                starts, Is.LessThanOrEqualTo((perSecond * seconds / 10) + (perSecond / 10)), "a tenth, and one second of it at the start");
            Assert.That(starts, Is.GreaterThanOrEqualTo(perSecond * seconds / 20), "they are not shut out");
            Assert.That(served, Is.All.True, "healthy tenants are served meanwhile");
        }
    }

    // "Must show", KEY-USE rule 5: five roles that worked, all of them denied.
    [TestCase(4)]
    [TestCase(5)]
    public async Task The_denial_of_all_of_five_or_more_roles_is_the_hosts_own(int tenants)
    {
        var host = new TenantHost(_world, o => o.SessionDuration = TimeSpan.FromMinutes(15));
        host.Store.Any = _ => _world.Settings(ByokCredentialSettings.AssumeRoleType);
        for (var i = 0; i < tenants; i++)
        {
            Assert.That(await CallAsync(host, $"t{i}"), Is.True);
        }

        var trust = _world.AssumedRole.TrustPolicy;
        _world.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId);
        _world.Time.Advance(TimeSpan.FromMinutes(16)); // no session is left
        for (var i = 0; i < tenants - 1; i++)
        {
            var ring = await host.GetAsync($"t{i}");
            var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));
            Assert.That(denial!.Reason, Is.EqualTo(ByokKeyUnavailableReason.RoleNotAssumable));
        }

        var last = await host.GetAsync($"t{tenants - 1}");
        var thrown = await Assert.CatchAsync<ByokException>(async () => await last.EncryptAsync(new byte[1]));
        if (tenants < 5)
        {
            Assert.That(thrown, Is.TypeOf<ByokKeyUnavailableException>(), "so few may well be the customers' doing");
            return;
        }

        Assert.That(thrown, Is.TypeOf<ByokServiceException>());
        Assert.That(thrown!.Message, Does.Contain("The host's own AWS identity has probably lost the permission"));
        _world.AssumedRole.TrustPolicy = trust;
        Assert.That(await last.EncryptAsync(new byte[1]), Is.Not.Empty, "nothing of it is remembered against the key");
    }

    /// <summary>Lets all work begin that waits for the thread pool now, and what that starts. The time passes after the requests.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        for (var i = 0; i < 5; i++)
        {
            await PoolQueue.PassAsync();
            await ByokWorld.UntilAsync(() => _world.Clock.LimitsUpTo(AttemptTimeout) == 0, "a request did not end");
        }

        _world.Time.Advance(time);
    }

    /// <summary>Whether a call succeeds.</summary>
    private static async Task<bool> CallAsync(TenantHost host, string tenant)
    {
        try
        {
            return (await (await host.GetAsync(tenant)).EncryptAsync(new byte[1])).Length > 0;
        }
        catch (ByokException)
        {
            return false; // denied, or beyond the limit: only the requests count
        }
    }
}
