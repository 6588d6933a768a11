using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>A denial that another call meets ends the streams that run, wherever they wait.</summary>
[CancelAfter(120_000)]
internal sealed class StreamRevocationTests
{
    private const int Place = 8 << 20;
    private const int Segment = 512 << 10;

    [Test]
    public async Task Waiting_for_the_source_ends_with_the_denial([Values] bool encrypts, [Values] bool isPiped)
    {
        await using var world = await StartAsync("AccessKeys");
        var other = await world.StartUseAsync(UseKind.DecryptMessage);
        await using var stream = await RunningStream.StartAsync(encrypts, world.Ring, Context, isPiped);
        await stream.MoveAsync();
        await DenyAsync(world, other);

        await ByokWorld.UntilAsync(() => stream.Run.IsCompleted, "the stream still waits for its source");

        Assert.That(
            (await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => stream.Run))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }

    [Test]
    public async Task Writing_ends_with_the_denial([Values] bool encrypts, [Values(1, 4)] int threads, [Values] bool isObeyed)
    {
        await using var world = await StartAsync("AccessKeys", o => o.MaxDegreeOfParallelism = threads);
        var other = await world.StartUseAsync(UseKind.DecryptMessage);
        var plaintext = new byte[4 * Place];
        var content = encrypts ? plaintext : await world.Ring.EncryptAsync(plaintext, Context);
        using SourceStream source = new(content);
        using var sink = new SinkStream();
        var hold = new Hold();
        sink.At(Place, isObeyed ? hold.ObeyAsync : hold.IgnoreAsync);
        var run = encrypts ? world.Ring.EncryptAsync(source, sink, Context) : world.Ring.DecryptAsync(source, sink, Context);
        await hold.Reached;
        await DenyAsync(world, other);
        if (!isObeyed)
        {
            hold.Release();
        }

        await ByokWorld.UntilAsync(() => run.IsCompleted, "the stream still writes");

        Assert.That(
            (await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => run))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(
            sink.BytesWritten,
            Is.LessThanOrEqualTo(Place + (isObeyed ? 0 : 2 * Segment)), "the write that was under way is the last");
    }

    // The application's stream is not this library's code, so its callbacks may throw.
    [Test]
    public async Task A_stream_that_fails_at_its_cancellation_keeps_no_other_stream_running()
    {
        await using var world = await StartAsync("AccessKeys");
        var other = await world.StartUseAsync(UseKind.DecryptMessage);
        using SourceStream source = new(new byte[Place]);
        using var sink = new SinkStream();
        var hold = new Hold();
        source.At(0, async token =>
        {
            await using var registration = token.Register(static () => throw new InvalidOperationException("it cannot be cancelled"));
            await hold.ObeyAsync(token);
        });
        var failing = world.Ring.EncryptAsync(source, sink, Context);
        await hold.Reached;
        await using var stream = await RunningStream.StartAsync(encrypts: true, world.Ring, Context);
        await stream.MoveAsync();
        await DenyAsync(world, other);

        await ByokWorld.UntilAsync(() => failing.IsCompleted && stream.Run.IsCompleted, "a stream was not stopped");

        foreach (var run in (Task[])[failing, stream.Run])
        {
            Assert.That(
                (await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => run))!.Reason,
                Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        }
    }

    private static async Task DenyAsync(KeyUseWorld world, Use other)
    {
        world.World.Key.Disable();
        await world.PassAsync(Interval);
        Assert.That((await other.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }
}
