using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Callers who bring their own buffers.</summary>
internal sealed class BufferWriterTests
{
    private const string Type = ByokCredentialSettings.AccessKeysType;

    private static readonly Dictionary<string, string> Context = new() { ["record"] = "variables/42" };

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(65_536)]
    [TestCase(2_000_000)]
    public async Task Decrypt_writes_what_was_encrypted(int length)
    {
        var ring = _world.Ring(Type);
        var plaintext = RandomNumberGenerator.GetBytes(length);
        var message = new RecordedBuffer();
        var decrypted = new RecordedBuffer();

        await ring.EncryptAsync(plaintext, message, Context);
        await ring.DecryptAsync(message.Written, decrypted, Context);

        Assert.That(decrypted.Written.AsSpan().SequenceEqual(plaintext));
        Assert.That(message.Advanced, Is.EqualTo(message.Asked).And.Count.EqualTo(1), "asked once, advanced once, by as much");
        Assert.That(decrypted.Advanced, Is.EqualTo(decrypted.Asked).And.EqualTo(new[] { length }));
        Assert.That(message.IsRestUntouched && decrypted.IsRestUntouched, "only the room that was asked for is written");
        Assert.That((await ring.DecryptAsync(message.Written, Context)).AsSpan().SequenceEqual(plaintext), "the same message as any other");
    }

    [Test]
    public async Task Calls_append_to_what_is_there()
    {
        var ring = _world.Ring(Type);
        var messages = new ArrayBufferWriter<byte>();
        var plaintexts = new ArrayBufferWriter<byte>();
        plaintexts.Write("plain: "u8);

        await ring.EncryptAsync("abc"u8.ToArray(), messages);
        var first = messages.WrittenCount;
        await ring.EncryptAsync("def"u8.ToArray(), messages);
        await ring.DecryptAsync(messages.WrittenMemory[..first], plaintexts);
        await ring.DecryptAsync(messages.WrittenMemory[first..], plaintexts);

        Assert.That(plaintexts.WrittenSpan.SequenceEqual("plain: abcdef"u8));
    }

    [Test]
    public async Task Decrypt_advances_over_nothing_of_a_message_that_is_refused()
    {
        var ring = _world.Ring(Type);
        var plaintext = RandomNumberGenerator.GetBytes(1_000_000);
        var message = await ring.EncryptAsync(plaintext, Context);
        var cut = message[..^1];
        message[^1] ^= 1;

        foreach (var changed in (byte[][])[message, cut])
        {
            var room = new RecordedBuffer();

            await Assert.ThatAsync(async () => await ring.DecryptAsync(changed, room), Throws.TypeOf<ByokDecryptionException>());

            Assert.That(room.Advanced, Is.Empty);
            Assert.That(room.Room.ContainsAnyExcept((byte)0), Is.False, "the frames before the last were right, and are erased");
        }
    }

    [Test]
    public async Task Calls_ask_for_no_room_before_they_have_a_data_key()
    {
        var ring = _world.Ring(Type);
        var message = await ring.EncryptAsync("abc"u8.ToArray(), Context);
        var room = new RecordedBuffer();
        var other = new Dictionary<string, string> { ["record"] = "variables/43" };

        await Assert.ThatAsync(async () => await ring.DecryptAsync(message, room, other), Throws.TypeOf<ByokDecryptionException>());
        _world.Key.Disable();
        await Assert.ThatAsync(async () => await ring.EncryptAsync("abc"u8.ToArray(), room), Throws.TypeOf<ByokKeyUnavailableException>());
        await Assert.ThatAsync(async () => await ring.DecryptAsync(message, room), Throws.TypeOf<ByokKeyUnavailableException>());

        Assert.That((room.Asked.Count, room.Advanced.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Calls_name_a_missing_writer_and_take_a_bare_null_for_no_context()
    {
        var ring = _world.Ring(Type);
        var encryption = await Assert.ThrowsAsync<ArgumentNullException>(
            async () => await ring.EncryptAsync(new byte[1], (IBufferWriter<byte>)null!));
        var decryption = await Assert.ThrowsAsync<ArgumentNullException>(
            async () => await ring.DecryptAsync(new byte[1], (IBufferWriter<byte>)null!));

        Assert.That((encryption!.ParamName, decryption!.ParamName), Is.EqualTo(("message", "plaintext")));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync("abc"u8.ToArray(), null), null), Is.EqualTo("abc"u8.ToArray()));
    }
}
