using LocalAws;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 11: one call under a denied previous key sent tens of thousands of requests.</summary>
[CancelAfter(120_000)]
internal sealed class EndlessCallsTests
{
    private const int Handful = 4;

    private KeyChange _change = null!;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    // Fault 11: the first encrypted data key is under the denied previous key, the second under the current one.
    [Test]
    public async Task A_message_under_a_denied_previous_key_and_the_current_key_costs_a_handful_of_requests(
        [Values] bool isForged, [Values] bool isCached, [Values] bool isDataKey, [Values] bool isDisabled)
    {
        var ring = _change.Ring(o => o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        var message = await MakeAsync(isForged, isDataKey);
        Deny(isDisabled);

        var call = ReadAsync(ring, message, isDataKey);
        await ByokWorld.UntilAsync(() => call.IsCompleted || Requests > 10 * Handful, "the call did not end");

        Assert.That(Requests, Is.LessThanOrEqualTo(Handful));
        Assert.That(call.IsCompleted, Is.True);
        if (isForged)
        {
            await Assert.CatchAsync<ByokException>(() => call);
        }
        else
        {
            Assert.That(await call, Is.EqualTo("abc"));
        }
    }

    // Fault 11: many such messages cost a handful of requests each, and the calls that follow are not affected.
    [Test]
    public async Task A_hundred_such_messages_cost_a_handful_of_requests_each([Values] bool isCached)
    {
        var ring = _change.Ring(o => o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        var good = await _change.EncryptAsync(_change.New, "abc"u8.ToArray());
        Deny(isDisabled: true);

        for (var i = 0; i < 100; i++)
        {
            var call = ReadAsync(ring, Forged.WithKeys(good, key => [Forged.Key(_change.OldKey.Arn), key]), isDataKey: false);
            var limit = (i + 1) * Handful;
            await ByokWorld.UntilAsync(() => call.IsCompleted || Requests > 2 * limit, "the call did not end");
            Assert.That(Requests, Is.LessThanOrEqualTo(limit));
            await Assert.CatchAsync<ByokException>(() => call);
        }

        Assert.That(await ReadAsync(ring, good, isDataKey: false), Is.EqualTo("abc"));
    }

    private int Requests => _change.World.Aws.Log.Count("Decrypt");

    private static async Task<string> ReadAsync(IByokKeyRing ring, byte[] message, bool isDataKey)
    {
        if (!isDataKey)
        {
            return System.Text.Encoding.UTF8.GetString(await ring.DecryptAsync(message));
        }

        using var key = await ring.OpenDataKeyAsync(message);
        return key.DecryptText(key.EncryptText("abc"));
    }

    private async Task<byte[]> MakeAsync(bool isForged, bool isDataKey)
    {
        byte[] message;
        if (isDataKey)
        {
            using var key = await _change.New.CreateDataKeyAsync(KeyChange.Context);
            message = key.EncryptedKey.ToArray();
        }
        else
        {
            message = await _change.EncryptAsync(_change.New, "abc"u8.ToArray());
        }

        message = isForged
            ? Forged.WithKeys(message, key => [new PlainKey("aws-kms", _change.OldKey.Arn, new byte[100]), key])
            : await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.NewKey), _change.OldKey, _change.NewKey);
        _change.World.Aws.Log.Clear();
        return message;
    }

    private void Deny(bool isDisabled)
    {
        if (isDisabled)
        {
            _change.OldKey.Disable();
        }
        else
        {
            _change.World.Aws.Faults.Add(Fault.Error("AccessDeniedException") with { Key = _change.OldKey.Arn });
        }
    }
}
