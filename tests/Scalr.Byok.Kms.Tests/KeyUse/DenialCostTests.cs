using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>A key that is denied costs next to nothing, however often it is asked for, and costs other keys nothing.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class DenialCostTests
{
    private static readonly byte[] Plaintext = new byte[10];
    private static readonly string[] OneDecrypt = ["Decrypt"];

    [Test]
    public async Task Decrypting_under_a_disabled_key_asks_AWS_less_and_less_often(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        await using var world = await StartAsync(type);
        var previous = world.World.Customer.CreateKey(Home);
        var ring = world.AddRing(settings => settings.PreviousKeys = [new() { KeyArn = previous.Arn, Credentials = settings.Credentials }]);
        var message = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(message);
        world.World.Key.Disable();
        await world.PassAsync(Interval);
        world.Aws.Log.Clear();
        var start = world.Clocks.True.GetUtcNow();

        await DemandDeniedAsync(ring, message, 2000);
        Assert.That(world.Count("Decrypt"), Is.EqualTo(1), "one confirmation for all");
        for (var second = 1; second <= 600; second++)
        {
            await world.PassAsync(Second);
            await DemandDeniedAsync(ring, message, 3);
        }

        var times = world.Aws.Log.Requests.Where(request => request.Service == "kms").Select(request => request.Time - start).ToList();
        Assert.That(times.Zip(times.Skip(1), (one, next) => next - one), Is.All.GreaterThanOrEqualTo(Second));
        Assert.That(times.Count(time => time <= Interval), Is.InRange(2, 8), "the pauses double");
        Assert.That(times.Count(time => time > TimeSpan.FromMinutes(5)), Is.InRange(3, 7), "and reach the interval");
        Assert.That(world.Aws.Log.Requests.Where(request => request.Key == previous.Arn), Is.Empty);
    }

    [Test]
    public async Task Encrypting_is_not_affected_by_denials_of_a_previous_key()
    {
        const int Writers = 20;
        await using var change = await KeyChange.StartAsync();
        var ring = change.Ring(Configure);
        var old = await change.EncryptOldAsync(Plaintext);
        var current = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(current);
        change.OldKey.Disable();
        change.World.Aws.Log.Clear();
        var start = change.World.Time.GetUtcNow();
        using var done = new CancellationTokenSource();
        var denials = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            do
            {
                await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(old));
                await ring.DecryptAsync(current);
            }
            while (!done.IsCancellationRequested);
        })).ToList();

        for (var i = 0; i < Writers; i++)
        {
            await ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = $"{i}" });
        }

        await done.CancelAsync();
        await Task.WhenAll(denials);
        Assert.That(Requests(change, change.NewKey), Is.EqualTo(Enumerable.Repeat("Encrypt", Writers)), "no extra request");
        Assert.That(Requests(change, change.OldKey), Is.EqualTo(OneDecrypt), "one request of the key that is denied");
        Assert.That(change.World.Time.GetUtcNow(), Is.EqualTo(start), "no extra wait");
    }

    [Test]
    public async Task Using_the_current_key_costs_the_same_beside_a_previous_key_that_is_denied()
    {
        await using var change = await KeyChange.StartAsync();
        var ring = change.Ring(Configure);
        var old = await change.EncryptOldAsync(Plaintext);
        var current = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(current);
        await ring.DecryptAsync(old);
        change.OldKey.Disable();
        change.World.Aws.Log.Clear();

        for (var second = 0; second < 600; second++)
        {
            await SettleAsync(change.World);
            change.World.Time.Advance(Second);
            Assert.That(await ring.DecryptAsync(current), Is.EqualTo(Plaintext));
            if (second >= Interval.TotalSeconds)
            {
                await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(old));
            }
        }

        // One comes early, and then one per three fifths of the interval at most.
        Assert.That(Requests(change, change.NewKey), Has.Count.LessThanOrEqualTo(1 + (600 / 36)).And.All.EqualTo("Decrypt"));
    }

    private static List<string> Requests(KeyChange change, LocalKey key) =>
        [.. change.World.Aws.Log.Requests.Where(request => request.Key == key.Arn).Select(request => request.Operation)];

    private static async Task DemandDeniedAsync(IByokKeyRing ring, byte[] message, int calls)
    {
        var denials = await Task.WhenAll(Enumerable.Range(0, calls).Select(_ => Task.Run(async () =>
        {
            try
            {
                await ring.DecryptAsync(message);
                return null;
            }
            catch (ByokKeyUnavailableException e)
            {
                return (ByokKeyUnavailableReason?)e.Reason;
            }
        })));
        Assert.That(denials, Is.All.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }
}
