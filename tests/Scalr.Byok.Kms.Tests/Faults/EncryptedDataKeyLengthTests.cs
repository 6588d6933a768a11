using System.Security.Cryptography;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 16: AWS KMS accepts 1 to 6,144 bytes as an encrypted data key.</summary>
[CancelAfter(120_000)]
internal sealed class EncryptedDataKeyLengthTests
{
    private const int Longest = 6144;

    private KeyChange _change = null!;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    // Fault 16: the length inside a message is the message's fault, and AWS is not asked.
    [Test]
    public async Task A_message_with_an_impossible_length_is_not_authentic_and_costs_no_call(
        [Values(0, Longest + 1, 65_535)] int length,
        [ValueSource(typeof(RingCalls), nameof(RingCalls.Readers))] string member,
        [Values] bool isCached)
    {
        var ring = _change.Ring(o => o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        var arn = member.StartsWith("Reencrypt", StringComparison.Ordinal) ? _change.OldKey.Arn : _change.NewKey.Arn;
        var message = Forged.WithKeys(await Forged.SourceAsync(_change, member), _ => [Forged.Key(arn, length)]);

        await Assert.ThrowsAsync<ByokDecryptionException>(() => RingCalls.MakeAsync(ring, member, message));

        Assert.That(_change.Calls, Is.Empty);
    }

    // Fault 16: the limits themselves are possible lengths.
    [TestCase(1)]
    [TestCase(Longest)]
    public async Task A_possible_length_is_for_AWS_to_judge(int length)
    {
        var message = Forged.WithKeys(await _change.EncryptAsync(_change.New, new byte[32]), key => [Forged.Key(key.Info, length)]);

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await _change.Both.DecryptAsync(message));

        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {_change.NewKey.Arn}" }));
    }

    // Fault 16: an answer that no AWS KMS would accept later is not usable. Nothing of it is stored.
    [Test]
    public async Task An_answer_with_an_impossible_length_is_an_outage_and_leaves_nothing(
        [Values(Longest + 1, 65_536, 100_000)] int length, [Values("EncryptAsync", "CreateDataKeyAsync", "ReencryptAsync")] string member)
    {
        var ring = _change.Ring(o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var old = await _change.EncryptOldAsync(new byte[1]);
        var fault = _change.World.Aws.Faults.Add(Answer(length));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => RingCalls.MakeAsync(ring, member, old));

        Assert.That((thrown!.IsTransient, thrown.Operation), Is.EqualTo((true, "kms:Encrypt")));
        _change.World.Aws.Faults.Remove(fault);
        _change.World.Aws.Log.Clear();
        await RingCalls.MakeAsync(ring, member, old);
        Assert.That(_change.World.Aws.Log.Count("Encrypt"), Is.EqualTo(1));
    }

    [Test]
    public async Task An_answer_with_the_longest_possible_length_is_usable()
    {
        _change.World.Aws.Faults.Add(Answer(Longest));

        Assert.That(await _change.Both.EncryptAsync(new byte[1]), Has.Length.GreaterThan(Longest));
    }

    private Fault Answer(int length)
    {
        var blob = Convert.ToBase64String(RandomNumberGenerator.GetBytes(length));
        var json = $$"""{"KeyId":"{{_change.NewKey.Arn}}","CiphertextBlob":"{{blob}}","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}""";
        return Fault.Body(200, "application/x-amz-json-1.1", json) with { Operation = "Encrypt" };
    }
}
