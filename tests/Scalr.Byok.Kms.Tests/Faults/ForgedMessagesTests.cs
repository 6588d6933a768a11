using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>
/// Fault 15: forged messages took the places of good data keys. Also what messages with a denied encryption context may cost.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class ForgedMessagesTests
{
    private const int ForgedCount = 100;

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    // Fault 15: 100 forged messages and a cache of 100 entries, 20 of which are in use.
    [Test]
    public async Task Forged_messages_evict_no_good_key([Values] bool isForeignKeyFirst)
    {
        var writer = _world.Ring("AccessKeys");
        var ring = Cached(o => o.DataKeyCache.MaxKeys = 100);
        var good = new List<byte[]>();
        for (var i = 0; i < 20; i++)
        {
            good.Add(await writer.EncryptAsync(new byte[1], new Dictionary<string, string> { ["number"] = $"{i}" }));
            await ring.DecryptAsync(good[i]);
        }

        var source = await writer.EncryptAsync(new byte[1]);
        for (var i = 0; i < ForgedCount; i++)
        {
            var foreign = Forged.Key(Forged.ForeignArn);
            var forged = Forged.WithKeys(source, key => isForeignKeyFirst ? [foreign, key] : [key, foreign]);
            await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(forged));
        }

        _world.Aws.Log.Clear();
        foreach (var message in good)
        {
            await ring.DecryptAsync(message);
        }

        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.Zero, "the good keys are still there");
    }

    // "Must show", 10,000 messages per second scaled down: a message with a denied context costs its own request, and all of them together
    // at most one confirmation per tenth of the interval. Contexts that are accepted are not affected.
    [Test]
    public async Task Messages_with_a_denied_context_cost_their_own_requests_and_few_confirmations([Values] bool isSameContext)
    {
        const int Count = 200;
        var writer = Writer();
        var ring = Cached();
        var good = await writer.EncryptAsync(new byte[1], new Dictionary<string, string> { ["kind"] = "good" });
        var source = await writer.EncryptAsync(new byte[1], new Dictionary<string, string> { ["kind"] = "forged" });
        _world.User.Policy = $$$"""
            {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:DescribeKey","Resource":"*"},
             {"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:kind":"good"} } } ] }
            """;
        await ring.DecryptAsync(good);
        _world.Aws.Log.Clear();

        for (var i = 0; i < Count; i++)
        {
            var message = isSameContext ? source : Forged.WithContext(source, ("kind", "forged"), ("number", $"{i}"));
            await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));
            _world.Time.Advance(TimeSpan.FromMilliseconds(250)); // all of them take 50 s
        }

        Assert.That(_world.Aws.Log.Requests, Has.Count.LessThanOrEqualTo(Count + 10), "50 s contain 9 tenths of 60 s that have begun");
        var before = _world.Aws.Log.Count("Decrypt");
        await ring.DecryptAsync(good);
        Assert.That(_world.Aws.Log.Count("Decrypt") - before, Is.Zero, "its key is still cached");
    }

    private IByokKeyRing Writer()
    {
        var writer = _world.AddBystander("writer", Policies.Permissions("*"));
        return _world.Ring(
            "AccessKeys", s => s.Credentials = ByokCredentialSettings.AccessKeys(writer.AccessKeyId, writer.SecretAccessKey));
    }

    private IByokKeyRing Cached(Action<ByokOptions>? options = null) => _world.Ring("AccessKeys", options: o =>
    {
        o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5);
        options?.Invoke(o);
    });
}
