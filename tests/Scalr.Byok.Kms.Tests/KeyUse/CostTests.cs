using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>What confirmations cost, by the request log of AWS.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class CostTests
{
    private static readonly TimeSpan HalfAnHour = TimeSpan.FromMinutes(30);

#if DEBUG
    private static readonly TimeSpan AllTheTime = TimeSpan.FromMinutes(10);
#else
    private static readonly TimeSpan AllTheTime = HalfAnHour;
#endif

    private static readonly TimeSpan Shortest = Interval * 0.6;
    private static readonly byte[] Plaintext = new byte[10];
    private static readonly string[] OneDecrypt = ["Decrypt"];

    [Test]
    public async Task Using_a_ring_all_the_time_costs_five_confirmations_in_three_minutes(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type,
        [Values(UseKind.DecryptMessage, UseKind.OpenDataKey, UseKind.DecryptValue, UseKind.EncryptValue)] UseKind kind)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);
        world.Aws.Log.Clear();

        await world.DemandUseAsync(AllTheTime, Second, use);

        var requests = world.Aws.Log.Requests;
        Assert.That(world.Count("Decrypt"), Is.InRange(AllTheTime / Interval, 1 + (AllTheTime / Shortest)));
        var confirmations = requests.Where(request => request.Operation == "Decrypt").Select(request => request.Time).ToList();

        // A thread that is interrupted can begin a confirmation in the background late: then the first use after the interval asks.
        Assert.That(confirmations.Zip(confirmations.Skip(1), (one, next) => next - one), Is.All.InRange(Shortest, Interval + Second));
        var sessions = requests.Where(request => request.Service == "sts").Select(request => request.Time).ToList();
        Assert.That(sessions, Has.Count.LessThanOrEqualTo(type == "AccessKeys" ? 0 : AllTheTime / (RoleCheck * 0.6)));
        Assert.That(sessions.Zip(sessions.Skip(1), (one, next) => next - one), Is.All.GreaterThanOrEqualTo(RoleCheck * 0.6));
        Assert.That(world.Count("Encrypt") + world.Count("DescribeKey"), Is.Zero);
    }

    [Test]
    public async Task Streaming_alone_costs_five_confirmations_in_three_minutes()
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(UseKind.DecryptStream);
        world.Aws.Log.Clear();

        await world.DemandUseAsync(2 * MaxAge, TimeSpan.FromSeconds(10), use);

        Assert.That(world.Aws.Log.Requests, Has.Count.LessThanOrEqualTo(1 + (2 * MaxAge / Shortest)));
        Assert.That(world.Count("Decrypt"), Is.EqualTo(world.Aws.Log.Requests.Count));
    }

    [Test]
    public async Task Writing_and_reading_cost_no_confirmation_while_normal_calls_reach_AWS(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        const int Calls = 170; // in less time than a cached key serves before it is replaced
        await using var world = await StartAsync(type);
        var maker = world.AddRing(options: o => o.DataKeyCache.MaxAge = TimeSpan.Zero);
        var messages = new List<byte[]>();
        for (var i = 0; i < Calls; i++)
        {
            messages.Add(await maker.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = $"{i}" }));
        }

        Use write = await world.StartUseAsync(UseKind.EncryptMessage), read = await world.StartUseAsync(UseKind.DecryptMessage);
        world.Aws.Log.Clear();

        foreach (var message in messages)
        {
            await world.PassAsync(Second);
            await world.Ring.DecryptAsync(message);
            await write.OnceAsync();
            await read.OnceAsync();
        }

        Assert.That(world.Count("Decrypt"), Is.EqualTo(Calls));
        Assert.That(world.Aws.Log.Requests, Has.Count.EqualTo(Calls));
    }

    [Test]
    public async Task Leaving_a_ring_alone_costs_nothing([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        await using var world = await StartAsync(type);
        foreach (var kind in (UseKind[])[UseKind.DecryptMessage, UseKind.EncryptMessage, UseKind.OpenDataKey])
        {
            await (await world.StartUseAsync(kind)).OnceAsync();
        }

        await world.SettleAsync();
        world.Aws.Log.Clear();

        await world.PassAsync(HalfAnHour);

        Assert.That(world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Decrypting_a_thousand_times_at_once_after_a_pause_costs_one_confirmation(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        await world.PassAsync(2 * Interval);
        world.Aws.Log.Clear();

        await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => Task.Run(use.AtOnceAsync)));

        Assert.That(world.Aws.Log.Requests.Select(request => request.Operation), Is.EqualTo(OneDecrypt));
    }

    [Test]
    public async Task Decrypting_streams_of_one_data_key_after_its_lifetime_costs_one_request()
    {
        await using var world = await StartAsync("AccessKeys");
        var streams = new List<RunningStream>();
        for (var i = 0; i < 4; i++)
        {
            streams.Add(await RunningStream.StartAsync(encrypts: false, world.Ring, Context));
            await streams[i].MoveAsync();
        }

        var other = await Use.StartAsync(UseKind.DecryptMessage, world.Ring, new Dictionary<string, string> { ["record"] = "other" });
        await world.DemandUseAsync(MaxAge, Second * 10, other); // the key itself stays confirmed
        await world.SettleAsync();
        world.Aws.Log.Clear();

        await Task.WhenAll(streams.Select(stream => stream.MoveAsync()));

        Assert.That(world.Aws.Log.Requests.Select(request => request.Operation), Is.EqualTo(OneDecrypt));
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }

        await other.DisposeAsync();
    }
}
