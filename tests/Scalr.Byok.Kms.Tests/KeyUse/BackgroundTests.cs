using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>What uses request in the background: what is due, after a pause if AWS gave no answer, and nothing else.</summary>
[CancelAfter(120_000)]
internal sealed class BackgroundTests
{
    [Test]
    public async Task Each_open_data_key_that_is_in_use_is_renewed()
    {
        var maxAge = 1.5 * Interval;
        await using var world = await StartAsync("AccessKeys", o => o.DataKeyCache.MaxAge = maxAge);
        var uses = new Use[3];
        for (var i = 0; i < uses.Length; i++) // confirmations renew only the one that they ask with
        {
            uses[i] = await world.StartUseAsync(UseKind.EncryptValue);
        }

        await world.DemandUseAsync(2 * maxAge, TimeSpan.FromSeconds(5), uses);
    }

    [Test]
    public async Task A_use_that_comes_late_in_the_interval_starts_the_next_confirmation(
        [Values(UseKind.DecryptMessage, UseKind.EncryptMessage)] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        await world.StartUseAsync(UseKind.DecryptMessage); // so that a confirmation of either use is a kms:Decrypt
        await world.PassAsync(0.81 * Interval);
        var sent = world.Count("Decrypt");

        await use.OnceAsync();
        await world.SettleAsync();

        Assert.That(world.Count("Decrypt"), Is.EqualTo(sent + 1));
        await world.PassAsync(0.18 * Interval);
        await use.AtOnceAsync(); // the interval since the first acceptance is not over, and nothing waits
        await world.PassAsync(0.1 * Interval);
        world.BreakKms();
        await use.AtOnceAsync();
    }

    [Test]
    public async Task An_open_data_key_that_is_not_used_keeps_key_and_role_confirmed(
        [ValueSource(typeof(KeyUseWorld), nameof(Roles))] string type)
    {
        await using var world = await StartAsync(type, o => o.RoleCheckInterval = 2 * Interval);
        using var key = await world.Ring.CreateDataKeyAsync();

        for (var i = 0; i < 3; i++)
        {
            var confirmations = world.Count("Decrypt");
            await world.PassAsync(Interval);
            await world.World.ReceivedAsync("Decrypt", confirmations + 1);
        }

        await ByokWorld.UntilAsync(() => Sessions(world) > 1, "the role was not checked");
    }

    [Test]
    public async Task Requests_that_AWS_rejects_are_sent_once_a_second_however_often_a_value_is_decrypted()
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(UseKind.DecryptValue);
        world.Aws.Faults.Add(Fault.Error("InvalidCiphertextException") with { Operation = "Decrypt" });
        await world.PassAsync(Interval);
        var sent = world.Count("Decrypt");

        for (var i = 0; i < 20; i++)
        {
            await FailsAsync();
        }

        // One after the pause, one in spite of it; and one that was under way.
        Assert.That(world.Count("Decrypt"), Is.LessThanOrEqualTo(sent + 3), "no time has passed");
        sent = world.Count("Decrypt");
        for (var second = 0; second < 10 && world.Count("Decrypt") == sent; second++)
        {
            await world.PassAsync(Second);
            await FailsAsync();
        }

        Assert.That(world.Count("Decrypt"), Is.GreaterThan(sent), "a pause of 1 s is over");
        world.Aws.Faults.Clear();
        await world.PassAsync(2 * Second);
        await use.OnceAsync();

        async Task FailsAsync()
        {
            await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync);
            await world.SettleAsync();
        }
    }

    [Test]
    public async Task An_outage_of_AWS_KMS_begins_no_session([ValueSource(typeof(KeyUseWorld), nameof(Roles))] string type)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        var sessions = Sessions(world);
        world.BreakKms();

        await world.PassAsync(Interval);
        await world.DemandUseAsync(TimeSpan.FromSeconds(20), Second, use);

        Assert.That(Sessions(world), Is.EqualTo(sessions));
    }

    [Test]
    public async Task The_role_is_checked_again_soon_after_an_outage_of_AWS_STS(
        [ValueSource(typeof(KeyUseWorld), nameof(Roles))] string type)
    {
        await using var world = await StartAsync(type, o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1));
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        world.BreakSts();
        await world.PassAsync(RoleCheck);
        await use.OnceAsync();
        var sessions = Sessions(world);
        world.Aws.Faults.Clear();

        await world.PassAsync(TimeSpan.FromSeconds(15)); // the longest pause
        await use.OnceAsync();
        await world.SettleAsync();

        Assert.That(Sessions(world), Is.EqualTo(sessions + 1));
    }

    private static int Sessions(KeyUseWorld world) => world.Aws.Log.Requests.Count(request => request.Service == "sts");
}
