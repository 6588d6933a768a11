using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 12: denials of a previous key made calls under the current key begin again and again.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class StarvationTests
{
    private const int Denials = 10;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);

    private KeyChange _change = null!;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    // Fault 12: each call under the current key costs one request, whatever happens to the previous key in the meantime.
    [Test]
    public async Task A_call_under_the_current_key_costs_one_request(
        [Values("EncryptAsync", "CreateDataKeyAsync", "DecryptAsync", "OpenDataKeyAsync")] string member, [Values] bool isCached)
    {
        var ring = _change.Ring(o => o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        var old = await _change.EncryptOldAsync(new byte[1]);
        var messages = new List<byte[]>();
        for (var i = 0; i < 3; i++)
        {
            using var key = await _change.New.CreateDataKeyAsync(Context(i));
            messages.Add(
                member == "OpenDataKeyAsync" ? key.EncryptedKey.ToArray() : await _change.New.EncryptAsync(new byte[1], Context(i)));
        }

        _change.OldKey.Disable();
        var operation = member is "EncryptAsync" or "CreateDataKeyAsync" ? "Encrypt" : "Decrypt";
        _change.World.Aws.Faults.Add(Fault.Latency(Latency) with { Key = _change.NewKey.Arn });
        for (var i = 0; i < 3; i++)
        {
            _change.World.Aws.Log.Clear();
            var call = CallAsync(ring, member, messages[i], Context(i));
            for (var denial = 0; denial < Denials && !call.IsCompleted; denial++)
            {
                await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(old));
            }

            await call;
            Assert.That(_change.Calls.Count(one => one == $"{operation} {_change.NewKey.Arn}"), Is.EqualTo(1));
        }
    }

    private static Dictionary<string, string> Context(int number) => new() { ["number"] = $"{number}" };

    private static async Task CallAsync(IByokKeyRing ring, string member, byte[] message, Dictionary<string, string> context)
    {
        switch (member)
        {
            case "EncryptAsync":
                await ring.EncryptAsync(new byte[1], context);
                break;
            case "DecryptAsync":
                await ring.DecryptAsync(message, context);
                break;
            case "CreateDataKeyAsync":
                (await ring.CreateDataKeyAsync(context)).Dispose();
                break;
            default:
                (await ring.OpenDataKeyAsync(message, context)).Dispose();
                break;
        }
    }
}
