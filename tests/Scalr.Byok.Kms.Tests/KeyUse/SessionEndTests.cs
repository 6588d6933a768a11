using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// AWS STS is out and the trust is removed: uses end when the session expires. Until then, AWS KMS is asked every interval.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class SessionEndTests
{
    private static readonly TimeSpan SessionDuration = TimeSpan.FromMinutes(15);

    [Test]
    public async Task Removing_the_trust_while_STS_is_out_ends_every_use_when_the_session_expires(
        [ValueSource(typeof(KeyUseWorld), nameof(Roles))] string type, [Values(UseKind.DecryptMessage, UseKind.DecryptValue)] UseKind kind)
    {
        await using var world = await StartAsync(type, o => o.SessionDuration = SessionDuration);
        var use = await world.StartUseAsync(kind);
        var start = world.Clocks.True.GetUtcNow();
        world.BreakSts();
        world.RemoveTrust();
        var last = SessionDuration - TimeSpan.FromMinutes(1);

        await world.DemandUseAsync(last, TimeSpan.FromSeconds(10), use);
        var requests = world.Aws.Log.Requests.Where(request => request is { Service: "kms", ErrorCode: null });
        var accepted = requests.Select(request => request.Time - start).Append(last).ToList();
        await world.PassAsync(SessionDuration - last);

        Assert.That(
            accepted.Zip(accepted.Skip(1), (one, next) => next - one),
            Is.All.LessThanOrEqualTo(Interval), "AWS KMS is still asked every interval");
        await Assert.CatchAsync<ByokException>(use.AtOnceAsync, "the session has expired");
        await world.SettleAsync();
        await Assert.CatchAsync<ByokException>(use.AtOnceAsync, "the session has still expired");
    }
}
