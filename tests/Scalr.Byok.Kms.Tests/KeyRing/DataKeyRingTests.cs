using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Data keys that a ring makes and opens: what they cost, what they are bound to, and how they are stored.</summary>
[CancelAfter(120_000)]
internal sealed class DataKeyRingTests
{
    private const string OneMessage =
        "The message could not be authenticated: it was changed or cut short, or it belongs to another key, encryption context "
        + "or place. Treat it as hostile.";

    private static readonly Dictionary<string, string> Context = new() { ["purpose"] = "columns" };

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task What_a_made_key_encrypts_the_opened_one_decrypts(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type, [Values] bool cached)
    {
        var ring = Ring(type, cached);
        using var made = await ring.CreateDataKeyAsync(Context);
        var encrypted = made.EncryptText("db password", ByokAssociatedData.For("row", 1));

        using var opened = await ring.OpenDataKeyAsync(made.EncryptedKey, Context);

        Assert.That(opened.DecryptText(encrypted, ByokAssociatedData.For("row", 1)), Is.EqualTo("db password"));
        Assert.That(made.DecryptText(opened.EncryptText("ä")), Is.EqualTo("ä"));
        Assert.That((Count("Encrypt"), Count("Decrypt")), Is.EqualTo((1, 2)), "one kms:Decrypt confirms the new data key for reading");
    }

    [Test]
    public async Task The_encrypted_key_is_a_message_of_32_bytes_that_says_what_it_is()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync(Context);

        var header = ByokMessage.Read(key.EncryptedKey);
        Assert.That((header.AlgorithmSuiteId, header.IsSigned, header.KeyArns.Single()), Is.EqualTo((0x0478, false, ring.KeyArn)));
        Assert.That(header.EncryptionContext, Is.EquivalentTo(new Dictionary<string, string>(Context) { ["scalr:purpose"] = "data-key" }));
        Assert.That(key.EncryptedKey.Length, Is.LessThan(700));
        Assert.That(
            await ring.DecryptAsync(key.EncryptedKey, new Dictionary<string, string> { ["scalr:purpose"] = "data-key" }),
            Has.Length.EqualTo(32));
        await RefusedAsync(async () => await ring.DecryptAsync(key.EncryptedKey));
        await RefusedAsync(async () => await ring.DecryptAsync(key.EncryptedKey, Context));
        await RefusedAsync(async () => await ring.DecryptAsync(new MemoryStream(key.EncryptedKey.ToArray()), new MemoryStream()));
    }

    [Test]
    public async Task No_other_message_is_taken_for_a_data_key()
    {
        var ring = Ring();
        await RefusedAsync(async () => await ring.OpenDataKeyAsync(await ring.EncryptAsync(new byte[32])));
        Assert.That(Count("Decrypt"), Is.Zero, "that shows before AWS is asked");

        await Assert.ThrowsAsync<ArgumentException>(
            async () => await ring.EncryptAsync(new byte[32], new Dictionary<string, string> { ["scalr:purpose"] = "data-key" }));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await ring.CreateDataKeyAsync(new Dictionary<string, string> { ["scalr:purpose"] = "data-key" }));
    }

    [Test]
    public async Task Another_context_or_a_changed_encrypted_key_is_refused()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync(Context);

        await RefusedAsync(
            async () => await ring.OpenDataKeyAsync(key.EncryptedKey, new Dictionary<string, string> { ["purpose"] = "files" }));
        foreach (var i in (int[])[20, 60, key.EncryptedKey.Length - 100, key.EncryptedKey.Length - 20, key.EncryptedKey.Length - 1])
        {
            var changed = key.EncryptedKey.ToArray();
            changed[i] ^= 1;
            await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.OpenDataKeyAsync(changed), $"byte {i}");
        }

        await RefusedAsync(async () => await ring.OpenDataKeyAsync((byte[])[.. key.EncryptedKey.Span, 0]));
        await RefusedAsync(async () => await ring.OpenDataKeyAsync((byte[])[.. key.EncryptedKey.Span, .. new byte[5000]]));
        await RefusedAsync(async () => await ring.OpenDataKeyAsync((byte[])[.. key.EncryptedKey.Span, .. new byte[1_000_000]]));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.OpenDataKeyAsync(ReadOnlyMemory<byte>.Empty));
    }

    [Test]
    public async Task A_thousand_opens_at_once_cost_one_call()
    {
        var ring = Ring();
        byte[] encryptedKey;
        using (var made = await ring.CreateDataKeyAsync())
        {
            encryptedKey = made.EncryptedKey.ToArray();
        }

        var keys = await Task.WhenAll(
            Enumerable.Range(0, 1000).Select(_ => Task.Run(async () => await ring.OpenDataKeyAsync(encryptedKey))));

        Assert.That(Count("Decrypt"), Is.EqualTo(2), "one by which the new data key was confirmed for reading");
        var encrypted = keys[0].EncryptText("abc");
        foreach (var key in keys)
        {
            Assert.That(key.DecryptText(encrypted), Is.EqualTo("abc"));
            key.Dispose();
        }
    }

    [Test]
    public async Task Values_stay_readable_when_the_data_key_moves_to_a_new_KMS_key()
    {
        await using var change = await KeyChange.StartAsync();
        using var old = await change.Old.CreateDataKeyAsync(Context);
        var encrypted = old.EncryptText("db password");

        var moved = await change.Both.ReencryptAsync(old.EncryptedKey);
        using var key = await change.New.OpenDataKeyAsync(moved, Context);

        Assert.That(key.DecryptText(encrypted), Is.EqualTo("db password"));
        Assert.That(key.EncryptedKey.ToArray(), Is.EqualTo(moved));
        var (before, after) = (ByokMessage.Read(old.EncryptedKey), ByokMessage.Read(moved));
        Assert.That(after.MessageId.Span.SequenceEqual(before.MessageId.Span), Is.False, "another message of the same 32 bytes");
        Assert.That(after.EncryptionContext, Is.EqualTo(before.EncryptionContext));
        Assert.That(new ByokDataKeySet(key).NeedsReencryption(encrypted), Is.False, "the key id stays");
    }

    private static async Task RefusedAsync(Func<Task> call) =>
        Assert.That((await Assert.ThrowsAsync<ByokDecryptionException>(call))!.Message, Is.EqualTo(OneMessage));

    private IByokKeyRing Ring(string type = "AccessKeys", bool cached = true) => _world.Ring(type, options: o =>
    {
        o.DataKeyCache.MaxAge = cached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero;
    });

    private int Count(string operation) => _world.Aws.Log.Count(operation);
}
