using Scalr.Byok.Kms.Tests.KeyUse;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>Several instances of one host, with one cache, on one AWS. Time passes only while nothing is under way.</summary>
internal sealed class FleetWorld : IAsyncDisposable
{
    public const string Secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    public static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>How often each instance uses the key of each tenant where seconds do not matter.</summary>
    public static readonly TimeSpan LongRound = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, byte[]> _messages = new(StringComparer.Ordinal);

    private FleetWorld(ByokWorld world)
    {
        World = world;
        Cache = new FleetTestCache(world.Time);
    }

    public ByokWorld World { get; }

    public FleetTestCache Cache { get; }

    public List<FleetInstance> Instances { get; } = [];

    /// <summary>The settings of all tenants; null for those of the world.</summary>
    public ByokKeySettings? Settings { get; set; }

    public IEnumerable<FleetInstance> Alive => Instances.Where(instance => !instance.IsGone);

    /// <param name="instances">The number of instances.</param>
    /// <param name="options">Changes the options of all.</param>
    /// <param name="type">The credentials type of all tenants.</param>
    /// <param name="clockStep">The wall clock of each instance differs by this time from that of the one before.</param>
    /// <param name="isShared">Whether they share confirmations.</param>
    public static async Task<FleetWorld> StartAsync(
        int instances,
        Action<ByokOptions>? options = null,
        string type = ByokCredentialSettings.AccessKeysType,
        TimeSpan clockStep = default,
        bool isShared = true)
    {
        var world = new FleetWorld(await ByokWorld.StartAsync());
        for (var i = 0; i < instances; i++)
        {
            world.Instances.Add(new FleetInstance(world, i * clockStep, options, secrets: null, type, isShared));
        }

        return world;
    }

    public static string[] Tenants(int count) => [.. Enumerable.Range(0, count).Select(i => $"tenant-{i}")];

    /// <summary>Each instance uses the key of each tenant for the first time.</summary>
    public async Task WarmUpAsync(string[] tenants)
    {
        foreach (var tenant in tenants)
        {
            _messages[tenant] = await (await Instances[0].Rings.GetKeyRingAsync(tenant)).EncryptAsync(new byte[10]);
            foreach (var instance in Alive)
            {
                Assert.That(await instance.TryAsync(tenant, _messages[tenant]), Is.Null);
            }
        }

        await SettleAsync();
    }

    /// <summary>Lets each instance use the key of each tenant, one instance after the other, within a time.</summary>
    /// <param name="round">How long a round of all instances takes.</param>
    /// <param name="tenants">The tenants.</param>
    /// <param name="seen">Gets each result.</param>
    public async Task RoundAsync(TimeSpan round, string[] tenants, Action<FleetInstance, string, ByokException?>? seen = null)
    {
        var alive = Alive.ToList();
        foreach (var instance in alive)
        {
            foreach (var tenant in tenants)
            {
                var use = instance.TryAsync(tenant, _messages[tenant]);
                await WhileHangingAsync(() => use.IsCompleted);
                var error = await use;
                seen?.Invoke(instance, tenant, error);
                if (seen is null)
                {
                    Assert.That(error, Is.Null);
                }
            }

            await SettleAsync();
            World.Time.Advance(round / alive.Count);
        }
    }

    /// <summary>Returns once nothing is under way. Time passes only if the cache hangs.</summary>
    /// <remarks>All work in the background of an instance is counted, so tests that run beside this one do not matter.</remarks>
    public async Task SettleAsync()
    {
        for (var quiet = 0; quiet < 3; quiet++)
        {
            await PoolQueue.PassAsync();
            if (!IsQuiet)
            {
                await WhileHangingAsync(() => IsQuiet);
                quiet = -1;
            }
        }
    }

    /// <summary>Disables the key and lets all instances go on. No use may begin later than a time after that.</summary>
    /// <returns>When the last use began, after the change.</returns>
    public async Task<TimeSpan> DisableAsync(string[] tenants, TimeSpan limit, Func<Task>? each = null)
    {
        World.Key.Disable();
        var (change, last, denied) = (World.Time.GetUtcNow(), TimeSpan.Zero, 0);
        while (World.Time.GetUtcNow() - change < limit + TimeSpan.FromSeconds(10))
        {
            denied = 0;
            await RoundAsync(TimeSpan.FromSeconds(1), tenants, (_, _, error) =>
            {
                var passed = World.Time.GetUtcNow() - change;
                last = error is null ? passed : last;
                denied += error is ByokKeyUnavailableException { Reason: ByokKeyUnavailableReason.KeyDisabled } ? 1 : 0;
            });
            if (each is not null)
            {
                await each();
            }
        }

        Assert.That(last, Is.LessThanOrEqualTo(limit));
        Assert.That(denied, Is.EqualTo(Alive.Count() * tenants.Length), "all instances report the denial");
        return last;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in Alive)
        {
            await instance.DisposeAsync();
        }

        await World.DisposeAsync();
    }

    private bool IsQuiet => World.Clock.LimitsUpTo(KeyUseWorld.TotalTimeout) == 0 && !Alive.Any(one => one.IsWorking);

    private Task WhileHangingAsync(Func<bool> until) => ByokWorld.UntilAsync(
        () =>
        {
            if (Cache.Mode == FleetCacheMode.Hangs && World.Clock.Limits(TimeSpan.FromMilliseconds(250)) > 0)
            {
                World.Time.Advance(Step);
            }

            return until();
        },
        "something under way did not end");
}
