using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>A ring with the default intervals on a host with two clocks. Time passes only while no request to AWS is under way.</summary>
internal sealed class KeyUseWorld : IAsyncDisposable
{
    public const string Home = "us-east-1";
    public const string Away = "us-east-2";

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan RoleCheck = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan TotalTimeout = TimeSpan.FromSeconds(10);
    public static readonly string[] Roles = [ByokCredentialSettings.AssumeRoleType, ByokCredentialSettings.OidcType];
    public static readonly IReadOnlyDictionary<string, string> Context = new Dictionary<string, string> { ["record"] = "variables/42" };

    private const int MostRounds = 100;

    private readonly List<Use> _uses = [];

    private KeyUseWorld(ByokWorld world, TwoClocks clocks, string type)
    {
        World = world;
        Clocks = clocks;
        Type = type;
    }

    public ByokWorld World { get; }

    public TwoClocks Clocks { get; }

    /// <summary>The credentials type.</summary>
    public string Type { get; }

    public LocalKey? Replica { get; private set; }

    public IByokKeyRing Ring { get; private set; } = null!;

    public LocalAwsServer Aws => World.Aws;

    /// <param name="type">The credentials type.</param>
    /// <param name="options">Changes the options.</param>
    /// <param name="hasReplica">Whether the key has a replica that the customer grants, too.</param>
    public static async Task<KeyUseWorld> StartAsync(string type, Action<ByokOptions>? options = null, bool hasReplica = false)
    {
        var clocks = new TwoClocks();
        var started = new KeyUseWorld(await ByokWorld.StartAsync(clocks.Monotonic, clocks, clocks.True), clocks, type);
        if (hasReplica)
        {
            started.Replica = started.World.Key.Replicate(Away);
            started.Permit(ByokPolicies.KeyPermissions(KmsKeyArn.Parse(started.World.Key.Arn), [Away]));
        }

        started.Ring = started.AddRing(hasReplica ? settings => settings.ReplicaRegions = [Away] : null, options);
        return started;
    }

    /// <summary>Another ring of the same customer.</summary>
    public IByokKeyRing AddRing(Action<ByokKeySettings>? settings = null, Action<ByokOptions>? options = null) =>
        World.Ring(Type, settings, o =>
        {
            Configure(o);
            options?.Invoke(o);
        });

    /// <summary>
    /// The options of these tests: the cache and the intervals as by default, no retries and no breaker, streams in turn.
    /// </summary>
    public static void Configure(ByokOptions options)
    {
        options.DataKeyCache.MaxAge = MaxAge;
        options.ConfirmationInterval = Interval;
        options.RoleCheckInterval = RoleCheck;
        options.Resilience.AttemptTimeout = AttemptTimeout;
        options.Resilience.TotalTimeout = TotalTimeout;
        options.MaxDegreeOfParallelism = 1;
    }

    /// <summary>Begins to use the ring's key in this way; the first use has taken place.</summary>
    public async Task<Use> StartUseAsync(UseKind kind)
    {
        var use = await Use.StartAsync(kind, Ring, Context);
        _uses.Add(use);
        return use;
    }

    /// <summary>What the customer's identity may do, of whatever type it is.</summary>
    public void Permit(string? policy) => World.User.Policy = World.AssumedRole.Policy = World.OidcRole.Policy = policy;

    /// <summary>The customer allows these actions on the key and no others.</summary>
    public void Allow(params string[] actions) => Permit(Policies.Permissions(World.Key.Arn, actions));

    /// <summary>The customer's roles do not trust the host any more.</summary>
    public void RemoveTrust()
    {
        World.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId);
        World.OidcRole.TrustPolicy = Policies.OidcTrust(ByokWorld.CustomerAccount, "scalr.io", ByokWorld.Audience, "account:other");
    }

    /// <summary>AWS KMS answers nothing but this error afterwards.</summary>
    public void BreakKms(string code = "InternalFailure", int status = 500) =>
        Aws.Faults.Add(Fault.Error(code, status) with { Service = "kms" });

    /// <summary>AWS STS answers nothing but 500 afterwards.</summary>
    public void BreakSts() => Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "sts" });

    /// <summary>Lets so much time pass. It stands still while a request to AWS is under way.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        for (var left = time; left > TimeSpan.Zero;)
        {
            await SettleAsync();

            // Nothing happens until a timer is due.
            var step = World.Clock.NextDue is { } due && due < left ? due : left;
            Clocks.Advance(step);
            left -= step;
        }

        await SettleAsync();
    }

    /// <summary>Returns once no request to AWS is under way.</summary>
    public Task SettleAsync() => SettleAsync(World);

    /// <summary>
    /// Returns once no request to AWS is under way: nothing runs in the background for a ring, no time limit of an attempt or of a call
    /// runs, and the thread pool has begun all that waited for it.
    /// </summary>
    public static async Task SettleAsync(ByokWorld world)
    {
        for (var (quiet, rounds) = (0, 0); quiet < 3; rounds++)
        {
            await PoolQueue.PassAsync().ConfigureAwait(false);
            if (world.Clock.LimitsUpTo(TotalTimeout) > 0 || world.IsWorking)
            {
                // Work that was queued may not have begun, and between two requests no time limit runs.
                await ByokWorld.UntilAsync(
                    () => world.Clock.LimitsUpTo(TotalTimeout) == 0 && !world.IsWorking,
                    "a call of AWS or work in the background did not end")
                    .ConfigureAwait(false);
                quiet = 0;
            }
            else if (rounds >= MostRounds || ThreadPool.PendingWorkItemCount == 0)
            {
                quiet++; // otherwise, a thread has queued work for itself, of this test or of one beside it
            }
        }
    }

    /// <summary>
    /// Uses a key as scheduled. The customer changes something meanwhile, and no use may begin so long after that, nor any after the first
    /// that was denied.
    /// </summary>
    public async Task DemandEndAsync(Use use, Schedule schedule, Action change, TimeSpan limit, ByokKeyUnavailableReason reason)
    {
        var (now, isChanged, isDenied) = (0, false, false);
        foreach (var at in schedule.Uses)
        {
            if (!isChanged && at > schedule.Change)
            {
                await PassAsync(TimeSpan.FromSeconds(schedule.Change - now));
                now = schedule.Change;
                change();
                isChanged = true;
            }

            await PassAsync(TimeSpan.FromSeconds(at - now));
            now = at;
            if (!isChanged)
            {
                await use.OnceAsync();
                continue;
            }

            var denial = await use.TryAsync();
            if (denial is not null || isDenied || now - schedule.Change >= limit.TotalSeconds)
            {
                Assert.That(denial?.Reason, Is.EqualTo(reason), $"{now - schedule.Change} s after the change");
                isDenied = true;
            }
        }

        Assert.That(isDenied, Is.True, "the schedule is long enough");
    }

    /// <summary>Uses keys every so often for so long; every use takes place.</summary>
    public async Task DemandUseAsync(TimeSpan time, TimeSpan step, params Use[] uses)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
        {
            await PassAsync(step < time - passed ? step : time - passed);
            foreach (var use in uses)
            {
                await use.OnceAsync();
            }
        }
    }

    public int Count(string operation) => Aws.Log.Count(operation);

    public async ValueTask DisposeAsync()
    {
        Aws.Faults.Clear();
        foreach (var use in _uses)
        {
            await use.DisposeAsync();
        }

        await World.DisposeAsync();
    }
}
