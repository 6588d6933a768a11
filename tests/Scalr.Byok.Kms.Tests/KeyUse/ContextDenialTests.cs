using Microsoft.Extensions.Diagnostics.HealthChecks;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// The customer's policy denies encryption contexts: other contexts notice nothing, and cached keys of a denied context end with their own
/// acceptance.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class ContextDenialTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(20);
    private static readonly UseKind[] Kinds = Enum.GetValues<UseKind>();
    private static readonly UseKind[] Reads =
        [UseKind.DecryptMessage, UseKind.OpenDataKey, UseKind.DecryptValue, UseKind.DecryptStream, UseKind.DecryptPipe];
    private static readonly Dictionary<string, string> Other = new() { ["record"] = "other" };

    public static IEnumerable<TestCaseData> Cases() =>
        from type in World.ByokWorld.CredentialTypes
        from kind in Kinds
        from wasAccepted in (bool[])[true, false]
        where type == "AccessKeys" || kind is UseKind.DecryptMessage or UseKind.DecryptValue
        select new TestCaseData(type, kind, wasAccepted);

    [TestCaseSource(nameof(Cases))]
    public async Task Using_one_context_goes_on_while_calls_of_another_are_denied(string type, UseKind kind, bool wasAccepted)
    {
        await using var world = await StartAsync(type);
        var maker = world.AddRing(options: o => o.DataKeyCache.MaxAge = TimeSpan.Zero);
        var messages = new Queue<byte[]>();
        for (var i = 0; i <= 2 * MaxAge / Step; i++)
        {
            messages.Enqueue(await maker.EncryptAsync(new byte[10], Other));
        }

        var use = await world.StartUseAsync(kind);
        if (wasAccepted)
        {
            await world.Ring.DecryptAsync(messages.Dequeue(), Other);
        }

        world.Permit(AllowOnly(world, "variables/42"));
        for (var passed = TimeSpan.Zero; passed < 2 * MaxAge; passed += Step)
        {
            var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(
                async () => await world.Ring.DecryptAsync(messages.Dequeue(), Other));
            Assert.That(denial!.Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
            await use.OnceAsync();
            await world.PassAsync(Step);
        }

        await use.OnceAsync();
        Assert.That((await world.Ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy), "one denied context leaves health green");
    }

    [Test]
    public async Task While_an_action_is_denied_a_call_in_a_known_context_does_not_ask_AWS_itself()
    {
        await using var world = await StartAsync("AccessKeys");
        var maker = world.AddRing(options: o => o.DataKeyCache.MaxAge = TimeSpan.Zero);
        byte[] known = await maker.EncryptAsync(new byte[10], Context), next = await maker.EncryptAsync(new byte[10], Context);
        await world.Ring.DecryptAsync(known, Context);
        world.Allow("kms:Encrypt", "kms:DescribeKey");
        await DeniedAsync();
        await world.PassAsync(2 * Second);
        world.Aws.Log.Clear();

        await DeniedAsync();

        Assert.That(world.Count("Decrypt"), Is.EqualTo(1), "with the known message");

        async Task DeniedAsync() => Assert.That(
            (await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await world.Ring.DecryptAsync(next, Context)))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
    }

    [Test]
    public async Task Reading_a_denied_context_ends_MaxAge_after_its_own_acceptance(
        [ValueSource(typeof(World.ByokWorld), nameof(World.ByokWorld.CredentialTypes))] string type,
        [ValueSource(nameof(Reads))] UseKind kind,
        [Values] bool isIdle)
    {
        await using var world = await StartAsync(type);
        var other = await world.Ring.EncryptAsync(new byte[10], Other);
        await world.Ring.DecryptAsync(other, Other);
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(
            use,
            isIdle ? Schedule.OnTheDot(MaxAge) : Schedule.Busy(MaxAge, 10),
            () => world.Permit(AllowOnly(world, "other")),
            MaxAge,
            ByokKeyUnavailableReason.AccessDenied);

        Assert.That(await world.Ring.DecryptAsync(other, Other), Has.Length.EqualTo(10), "the other context is not affected");
    }

    [Test]
    public async Task The_denial_of_the_only_context_so_far_does_not_end_the_use_of_others()
    {
        await using var world = await StartAsync("AccessKeys");
        var maker = world.AddRing();
        var first = await maker.EncryptAsync(new byte[10], Context);
        var other = await maker.EncryptAsync(new byte[10], Other);
        await world.Ring.DecryptAsync(first, Context);
        world.Permit(AllowOnly(world, "other"));
        await world.PassAsync(Interval + Second);
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await world.Ring.DecryptAsync(first, Context));
        await world.PassAsync(2 * Second);

        Assert.That(await world.Ring.DecryptAsync(other, Other), Has.Length.EqualTo(10));
    }

    // Found by the model test.
    [Test]
    public async Task A_key_that_works_again_serves_a_new_context_although_the_only_one_so_far_is_denied()
    {
        await using var world = await StartAsync("AccessKeys");
        await world.Ring.EncryptAsync(new byte[10], Context);
        world.World.Key.Disable();
        await world.PassAsync(Interval + Second);
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await world.Ring.EncryptAsync(new byte[10], Context));
        world.World.Key.Enable();
        world.Permit(AllowOnly(world, "other"));
        await world.PassAsync(Interval + Second);

        Assert.That(await world.Ring.EncryptAsync(new byte[10], Other), Is.Not.Empty);
    }

    private static string AllowOnly(KeyUseWorld world, string record) => $$"""
        {"Version":"2012-10-17","Statement":[
         {"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"{{world.World.Key.Arn}}",
          "Condition":{"StringEquals":{"kms:EncryptionContext:record":"{{record}}"} } },
         {"Effect":"Allow","Action":"kms:DescribeKey","Resource":"{{world.World.Key.Arn}}"}]}
        """;
}
