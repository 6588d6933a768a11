using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// One tenant's problem is no other tenant's. The clock stands still: a call that had to wait for a time limit would wait for ever.
/// </summary>
[CancelAfter(120_000)]
internal sealed class TenantIsolationTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world, o => o.Resilience.MaxConcurrentCalls = 4);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_black_hole_in_the_place_of_one_tenants_STS([Values("AssumeRole", "Oidc")] string type)
    {
        _host.Store["sick"] = _world.Settings(type);
        _world.Aws.Faults.Add(
            Fault.BlackHole() with { Service = "sts", Key = type == "Oidc" ? _world.OidcRole.Arn : _world.AssumedRole.Arn });
        var sick = await _host.GetAsync("sick");
        var stuck = Enumerable.Range(0, 100).Select(_ => sick.EncryptAsync(Plaintext).AsTask()).ToArray();
        await _world.ReceivedAsync(type == "Oidc" ? "AssumeRoleWithWebIdentity" : "AssumeRole");
        var healthy = _world.Customer.CreateRole(
            "another", Policies.AssumeRoleTrust(ByokWorld.HostAccount, ByokWorld.ExternalId), Policies.Permissions(_world.Key.Arn));

        for (var i = Scale.Tenants(50); i > 0; i--)
        {
            _host.Store[$"well-{i}"] = i % 2 == 0
                ? _world.Settings("AccessKeys")
                : new ByokKeySettings
                {
                    KeyArn = _world.Key.Arn,
                    Credentials = ByokCredentialSettings.AssumeRole(healthy.Arn, ByokWorld.ExternalId),
                };
            var ring = await _host.GetAsync($"well-{i}");
            Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
        }

        Assert.That(stuck.Select(call => call.IsCompleted), Is.All.False);
        _world.Time.Advance(TimeSpan.FromSeconds(10));
        foreach (var call in stuck)
        {
            await Assert.ThrowsAsync<ByokServiceException>(() => call);
        }
    }

    [Test]
    public async Task A_black_hole_in_the_place_of_one_tenants_key()
    {
        var other = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = Policies.Permissions("*");
        var credentials = _world.Settings("AccessKeys").Credentials;
        _host.Store["sick"] = new ByokKeySettings { KeyArn = other.Arn, Credentials = credentials };
        _host.Store["well"] = _world.Settings("AccessKeys");
        _world.Aws.Faults.Add(Fault.BlackHole() with { Key = other.Arn });
        var (sick, well) = (await _host.GetAsync("sick"), await _host.GetAsync("well"));
        var stuck = Enumerable.Range(0, 100).Select(_ => sick.EncryptAsync(Plaintext).AsTask()).ToArray();
        await _world.ReceivedAsync("Encrypt", 4);

        var messages = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => well.EncryptAsync(Plaintext).AsTask()));

        Assert.That(messages, Has.Length.EqualTo(100));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(104), "4 at a time for one key");
        _world.Time.Advance(TimeSpan.FromSeconds(10));
        foreach (var call in stuck)
        {
            await Assert.ThrowsAsync<ByokServiceException>(() => call);
        }
    }

    [Test]
    public async Task A_store_that_hangs_or_blocks_for_one_tenant()
    {
        using var blocked = new ManualResetEventSlim();
        _host.Store.Answers["hangs"] = _ => new TaskCompletionSource<ByokKeySettings?>().Task;
        _host.Store.Answers["blocks"] = _ =>
        {
            blocked.Wait(CancellationToken.None);
            return Task.FromResult<ByokKeySettings?>(_world.Settings("AccessKeys"));
        };
        _host.Store["well"] = _world.Settings("AccessKeys");
        Task[] stuck = [_host.GetAsync("hangs").AsTask(), _host.GetAsync("blocks").AsTask()];
        await ByokWorld.UntilAsync(() => _host.Store.Asked.Count == 2, "the store was not asked");

        Assert.That(await (await _host.GetAsync("well")).EncryptAsync(Plaintext), Is.Not.Empty);

        Assert.That(stuck.Select(call => call.IsCompleted), Is.All.False);
        blocked.Set();
        await stuck[1];
    }

    [Test]
    public async Task One_tenants_revoked_key_and_open_breaker_concern_nobody_else()
    {
        var host = new TenantHost(_world, o => o.Resilience.BreakerMinimumThroughput = 2);
        host.Store["sick"] = host.Store["well"] = _world.Settings("AccessKeys");
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Times = 2 });
        var (sick, well) = (await host.GetAsync("sick"), await host.GetAsync("well"));
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<ByokServiceException>(async () => await sick.EncryptAsync(Plaintext));
        }

        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(2), "the third was not tried");
        Assert.That(await well.EncryptAsync(Plaintext), Is.Not.Empty, "even under the same KMS key");
    }
}
