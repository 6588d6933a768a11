using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 17: one operation has one time limit, however many requests it makes.</summary>
[CancelAfter(120_000)]
internal sealed class OneTimeLimitTests
{
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Total = TimeSpan.FromSeconds(3);

    private KeyChange _change = null!;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    // Fault 17: ten encrypted data keys of the ring, and AWS does not answer. A message with one shows that the test itself lets a call end
    // in time.
    [Test]
    public async Task A_message_ends_after_one_time_limit_however_many_data_keys_it_has(
        [Values(1, 10)] int count,
        [ValueSource(typeof(RingCalls), nameof(RingCalls.Readers))] string member,
        [Values] bool isCached)
    {
        var ring = Ring(isCached);
        var arn = member.StartsWith("Reencrypt", StringComparison.Ordinal) ? _change.OldKey.Arn : _change.NewKey.Arn;
        var message = Forged.WithKeys(
            await Forged.SourceAsync(_change, member), _ => Enumerable.Range(0, count).Select(_ => Forged.Key(arn)));
        _change.World.Aws.Faults.Add(Fault.BlackHole());

        var call = HangingCalls.PassAsync(_change.World, CallAsync(ring, member, message), Attempt, Total);

        await Assert.ThatAsync(() => call, Throws.TypeOf<ByokServiceException>());
    }

    // Fault 17: kms:Decrypt takes most of the time limit, then kms:Encrypt does not answer.
    [Test]
    public async Task Moving_to_a_new_key_ends_after_one_time_limit(
        [Values("ReencryptAsync", "ReencryptAsync of a stream")] string member, [Values] bool isCached)
    {
        var ring = Ring(isCached);
        var message = await _change.EncryptOldAsync(new byte[1]);
        _change.World.Aws.Faults.Add(Fault.BlackHole() with { Operation = "Decrypt", Times = 2 });
        _change.World.Aws.Faults.Add(Fault.BlackHole() with { Operation = "Encrypt" });

        var call = HangingCalls.PassAsync(_change.World, CallAsync(ring, member, message), Attempt, Total);

        await Assert.ThatAsync(() => call, Throws.TypeOf<ByokServiceException>());
        Assert.That(_change.World.Aws.Log.Count("Encrypt"), Is.GreaterThan(0), "kms:Decrypt answered in time");
    }

    private IByokKeyRing Ring(bool isCached) => _change.Ring(o =>
    {
        o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero;
        (o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) = (Attempt, Total);
        (o.Resilience.MaxRetryAttempts, o.Resilience.RetryDelay) = (10, TimeSpan.FromMilliseconds(1));
    });

    private static async Task<bool> CallAsync(IByokKeyRing ring, string member, byte[] message)
    {
        await RingCalls.MakeAsync(ring, member, message);
        return true;
    }
}
