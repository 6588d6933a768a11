#if SESSION_BUCKET
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>"Must show": tenants whose role does not trust the host take at most a tenth of the session bucket.</summary>
[CancelAfter(300_000)]
internal sealed class SessionBucketTests
{
    private const int Denied = 600;
    private const int Seconds = 30;

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    // 600 tenants without role trust make one call per second each. Healthy tenants use the bucket at the same time.
    [Test]
    public async Task Denied_tenants_take_a_tenth_of_the_bucket([Values(100, 50)] int perSecond)
    {
        var denied = _world.Customer.CreateRole("denied", Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId), Policies.Permissions(_world.Key.Arn));
        var host = new TenantHost(_world, o => o.Resilience.MaxSessionStartsPerSecond = perSecond);
        host.Store.Any = tenant => tenant[0] == 'd'
            ? new ByokKeySettings { KeyArn = _world.Key.Arn, Credentials = ByokCredentialSettings.AssumeRole(denied.Arn, ByokWorld.ExternalId) }
            : _world.Settings(ByokCredentialSettings.AssumeRoleType);
        for (var i = 0; i < Denied; i++)
        {
            await CallAsync(host, $"d{i}"); // each has been denied once
            _world.Time.Advance(TimeSpan.FromSeconds(1.0 / perSecond));
        }

        _world.Aws.Log.Clear();
        var start = _world.Time.GetUtcNow();
        for (var second = 0; second < Seconds; second++)
        {
            var healthy = Enumerable.Range(0, perSecond * 9 / 10).Select(i => CallAsync(host, $"h{second}-{i}"));
            var calls = Task.WhenAll([.. Enumerable.Range(0, Denied).Select(i => CallAsync(host, $"d{i}")), .. healthy]);
            await _world.PumpAsync(Finish(calls)); // at least what the calls need
            _world.Time.Advance(TimeSpan.FromSeconds(1));
        }

        var starts = _world.Aws.Log.Requests.Count(request => request.Operation == "AssumeRole" && request.Key == denied.Arn);
        var seconds = (_world.Time.GetUtcNow() - start).TotalSeconds;
        Assert.That(starts, Is.LessThanOrEqualTo((perSecond * seconds / 10) + (perSecond / 10)), "a tenth, and one second of it at the start");
    }

    private static async Task<bool> Finish(Task calls)
    {
        await calls;
        return true;
    }

    private static async Task CallAsync(TenantHost host, string tenant)
    {
        try
        {
            await (await host.GetAsync(tenant)).EncryptAsync(new byte[1]);
        }
        catch (ByokException)
        {
            // Denied, or beyond the limit: only the requests count.
        }
    }
}
#endif
