using System.Globalization;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>What thousands of tenants in one process cost.</summary>
[NonParallelizable]
[CancelAfter(300_000)]
[Category("Slow")]
internal sealed class ManyTenantsTests
{
    private const int Kibibyte = 1024;
    private const int Batches = 3;

    private static readonly byte[] Plaintext = "for one of many"u8.ToArray();

    private ByokWorld _world = null!;
    private List<TenantStore> _stores = null!;

    [SetUp]
    public async Task StartAsync() => (_world, _stores) = (await ByokWorld.StartAsync(), []);

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Ten_thousand_tenants_take_little_memory_before_their_first_calls(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        const int Tenants = 10_000;
        var host = Host(type: type);
        await host.GetAsync("warm-up-0");
        var before = Memory();
        var each = await OfEachAsync(Tenants, i => host.GetAsync($"tenant-{i}").AsTask());

        TestContext.Out.WriteLine($"{each} bytes for each of {Tenants} tenants that made no call yet");
        Assert.That(host.InUse.Count(), Is.EqualTo(Tenants + 1));
        Assert.That(each, Is.LessThanOrEqualTo(3 * Kibibyte));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);

        _world.Time.Advance(TimeSpan.FromMinutes(62));
        Assert.That(host.InUse, Is.Empty);
        var left = (Memory() - before) / Tenants;
        TestContext.Out.WriteLine($"{left} bytes once they are gone");
        Assert.That(left, Is.LessThan(Kibibyte));
    }

    [Test]
    public async Task Tenants_that_made_their_calls_take_little_memory_and_share_sockets(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        var tenants = Scale.Tenants(type == "AccessKeys" ? 1_000 : 500); // a session takes longer, and its limit is wider
        var host = Host(o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5), type: type);
        for (var i = 0; i < 30; i++)
        {
            await CallAsync(host, $"warm-up-{i}");
        }

        var each = await OfEachAsync(tenants, i => CallAsync(host, $"tenant-{i}"));
        var connections = _world.Aws.Connections.Accepted;
        each -= type == "AccessKeys" ? 0 : await OfServerAsync(tenants / 2);

        TestContext.Out.WriteLine(
            $"{each} bytes for each of {tenants} tenants, one data key cached for each way; {connections} connections");

        // A role's session adds its token.
        Assert.That(each, Is.LessThanOrEqualTo((type == "AccessKeys" ? 5.5 : 9) * Kibibyte));
        Assert.That(connections, Is.InRange(1, 4), "connections");
    }

    [Test]
    public async Task Tenants_that_make_no_call_have_one_timer_together()
    {
        var host = Host(o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        for (var i = 0; i < 300; i++)
        {
            await host.GetAsync($"tenant-{i}");
        }

        Assert.That(_world.Clock.Created, Is.EqualTo(1));
    }

    private static async Task CallAsync(TenantHost host, string tenant)
    {
        var ring = await host.GetAsync(tenant);
        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
    }

    /// <summary>What the server in this process keeps of a session.</summary>
    private async Task<long> OfServerAsync(int sessions)
    {
        using var sts = new AmazonSecurityTokenServiceClient(
            _world.HostCredentials, new AmazonSecurityTokenServiceConfig { ServiceURL = _world.Aws.Endpoint.ToString() });
        var request = new AssumeRoleRequest
        {
            RoleArn = _world.AssumedRole.Arn,
            ExternalId = ByokWorld.ExternalId,
            RoleSessionName = "scalr",
            Policy = ByokPolicies.SessionPolicy([KmsKeyArn.Parse(_world.Key.Arn)]),
        };
        await sts.AssumeRoleAsync(request);
        return await OfEachAsync(sessions, _ => sts.AssumeRoleAsync(request));
    }

    /// <summary>
    /// How many bytes a repeated action keeps each time: the median of some batches, because the runtime's pools grow and shrink meanwhile.
    /// </summary>
    private async Task<long> OfEachAsync(int count, Func<int, Task> action)
    {
        var kept = new long[Batches];
        var before = Memory();
        for (var batch = 0; batch < Batches; batch++)
        {
            for (var i = batch * count / Batches; i < (batch + 1) * count / Batches; i++)
            {
                await action(i);
            }

            var after = Memory();
            kept[batch] = (after - before) / (count / Batches);
            before = after;
        }

        TestContext.Out.WriteLine($"bytes in each batch: {string.Join(", ", kept)}");
        return kept.Order().ElementAt(Batches / 2);
    }

    private TenantHost Host(Action<ByokOptions>? options = null, Action<IByokBuilder>? with = null, string? type = null)
    {
        var host = new TenantHost(
            _world,
            o =>
            {
                o.Resilience.MaxSessionStartsPerSecond = int.MaxValue; // the clock stands still
                options?.Invoke(o);
            },
            with);
        _stores.Add(host.Store);
        host.Store.Any = tenant =>
        {
            // Each with strings of its own, as from a database.
            var settings = _world.Settings(
                type ?? ByokWorld.CredentialTypes[int.Parse(tenant.AsSpan(tenant.LastIndexOf('-') + 1), CultureInfo.InvariantCulture) % 3]);
            var own = settings.Credentials;
            settings.KeyArn = new string(settings.KeyArn.AsSpan());
            settings.Credentials = new ByokCredentialSettings
            {
                Type = own.Type,
                AccessKeyId = Copy(own.AccessKeyId),
                SecretAccessKey = Copy(own.SecretAccessKey),
                RoleArn = Copy(own.RoleArn),
                ExternalId = Copy(own.ExternalId),
                Audience = Copy(own.Audience),
            };
            return settings;
        };
        return host;
    }

    private static string? Copy(string? text) => text is null ? null : new string(text.AsSpan());

    /// <summary>Live bytes, what the tests themselves keep of calls left out.</summary>
    private long Memory()
    {
        _world.Aws.Log.Clear();
        _world.Logs.Entries.Clear();
        _world.Secrets.Clear();
        _stores.ForEach(static store => store.LookedUp.Clear());
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
