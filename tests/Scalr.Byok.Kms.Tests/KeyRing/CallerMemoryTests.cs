using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Moq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Messages and values that are written into memory of the caller.</summary>
internal sealed partial class CallerMemoryTests
{
    private const byte Untouched = 0xCC;

    private static readonly Dictionary<string, string> Context = new() { ["record"] = "variables/42" };
    private static readonly ByokAssociatedData Place = ByokAssociatedData.For("variables", "value", "42");

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(65_536)]
    [TestCase(2_000_000)]
    public async Task Messages_are_written_into_memory(int length)
    {
        var ring = Ring();
        var plaintext = RandomNumberGenerator.GetBytes(length);
        var message = Memory((int)ByokMessage.GetMaxEncryptedLength(length, Context));
        var opened = Memory(length + 10);

        var written = await ring.EncryptAsync(plaintext, message, Context);
        var read = await ring.DecryptAsync(message.AsMemory(0, written), opened, Context);

        Assert.That(opened[..read].AsSpan().SequenceEqual(plaintext));
        Assert.That((await ring.DecryptAsync(message.AsMemory(0, written), Context)).AsSpan().SequenceEqual(plaintext));
        Assert.That(ByokMessage.GetMaxPlaintextLength(message.AsMemory(0, written)), Is.EqualTo(length));
        Assert.That(IsUntouched(message.AsSpan(written)) && IsUntouched(opened.AsSpan(read)), "the rest");
    }

    [Test]
    public async Task Memory_of_the_exact_length_is_enough_and_one_byte_less_is_not()
    {
        var ring = Ring();
        var plaintext = RandomNumberGenerator.GetBytes(100_000);
        var length = (await ring.EncryptAsync(plaintext, Context)).Length;
        var tooShort = Memory(length - 1);

        var thrown = (await Assert.ThrowsAsync<ArgumentException>(async () => await ring.EncryptAsync(plaintext, tooShort, Context)))!;

        Assert.That((thrown.ParamName, Needed(thrown)), Is.EqualTo(("message", length)));
        Assert.That(IsUntouched(tooShort));
        var message = new byte[length];
        Assert.That(await ring.EncryptAsync(plaintext, message, Context), Is.EqualTo(length));
        var small = Memory(plaintext.Length - 1);
        thrown = (await Assert.ThrowsAsync<ArgumentException>(async () => await ring.DecryptAsync(message, small, Context)))!;
        Assert.That((thrown.ParamName, Needed(thrown)), Is.EqualTo(("plaintext", plaintext.Length)));
        Assert.That(IsUntouched(small));
        Assert.That(await ring.DecryptAsync(message, new byte[plaintext.Length], Context), Is.EqualTo(plaintext.Length));
    }

    [Test]
    public async Task Memory_that_cannot_be_enough_is_rejected_before_a_call_to_AWS()
    {
        var message = await Ring().EncryptAsync(new byte[1000]);
        var requests = _world.Aws.Log.Requests.Count;
        var ring = Ring(); // without a cached data key

        await Assert.ThrowsAsync<ArgumentException>(async () => await ring.EncryptAsync(new byte[1000], new byte[1200]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ring.DecryptAsync(message, new byte[999]));
        var overlapping = new byte[10_000];
        await Assert.ThrowsAsync<ArgumentException>(async () => await ring.EncryptAsync(overlapping.AsMemory(0, 10), overlapping));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ring.DecryptAsync(message, message.AsMemory()));

        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(requests));
        Assert.That(overlapping, Has.All.Zero);
    }

    [TestCase(1000)]
    [TestCase(2_000_000)]
    public async Task A_forged_message_leaves_zeros(int length)
    {
        var ring = Ring();
        var message = await ring.EncryptAsync(RandomNumberGenerator.GetBytes(length), Context);
        message[^1] ^= 1;
        var plaintext = Memory(length + 10);

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message, plaintext, Context));

        Assert.That(plaintext.AsSpan(0, length).ContainsAnyExcept((byte)0), Is.False);
        Assert.That(IsUntouched(plaintext.AsSpan(length)));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message.AsMemory(..^1), plaintext, Context));
        Assert.Throws<ByokDecryptionException>(() => ByokMessage.GetMaxPlaintextLength(message.AsMemory(..^1)));
        Assert.Throws<ByokDecryptionException>(() => ByokMessage.GetMaxPlaintextLength(new byte[10]));
    }

    /// <summary>The library's own rings erase it themselves.</summary>
    [Test]
    public async Task What_a_ring_of_the_host_wrote_before_it_failed_is_erased()
    {
        Mock<IByokKeyRing> ring = new();
        ring.Setup(one => one.DecryptAsync(
            It.IsAny<ReadOnlyMemory<byte>>(), It.IsAny<IBufferWriter<byte>>(), Context, It.IsAny<CancellationToken>()))
            .Returns((ReadOnlyMemory<byte> _, IBufferWriter<byte> writer, IReadOnlyDictionary<string, string> _, CancellationToken _) =>
            {
                writer.GetSpan(30)[..20].Fill(7);
                return ValueTask.FromException(new ByokDecryptionException());
            });
        var plaintext = Memory(40);

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.Object.DecryptAsync(new byte[10], plaintext, Context));

        Assert.That(plaintext[..30], Has.All.Zero);
        Assert.That(plaintext[30..], Has.All.EqualTo(Untouched));
    }

    [Test]
    public async Task A_denied_key_writes_nothing()
    {
        var ring = Ring();
        var message = await ring.EncryptAsync(new byte[10], Context);
        _world.Key.Disable();
        await ring.ProbeAsync();
        var buffer = Memory(10_000);

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[10], buffer, Context));
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message, buffer, Context));

        Assert.That(buffer, Has.All.EqualTo(Untouched));
    }

    [Test]
    public void Values_are_written_into_memory([Values] bool set)
    {
        using var key = ByokModelFactory.DataKey();
        using ByokDataKeySet keys = new(key);
        var value = RandomNumberGenerator.GetBytes(100);
        var (encrypted, opened) = (Memory(200), Memory(150));

        var written = set ? keys.Encrypt(value, encrypted.AsSpan(), Place) : key.Encrypt(value, encrypted.AsSpan(), Place);
        var read = set
            ? keys.Decrypt(encrypted.AsSpan(0, written), opened.AsSpan(), Place)
            : key.Decrypt(encrypted.AsSpan(0, written), opened.AsSpan(), Place);

        Assert.That((written, read), Is.EqualTo((ByokDataKey.GetEncryptedLength(100), 100)));
        Assert.That(opened[..read], Is.EqualTo(value));
        Assert.That(encrypted[written..].Concat(opened[read..]), Has.All.EqualTo(Untouched), "the rest");
    }

    [Test]
    public void Values_need_memory_of_their_length()
    {
        using var key = ByokModelFactory.DataKey();
        var encrypted = key.Encrypt(new byte[100], Place);
        var (less, small, whole) = (Memory(147), Memory(99), Memory(148));

        Assert.That(Needed(Assert.Throws<ArgumentException>(() => key.Encrypt(new byte[100], less.AsSpan(), Place))!), Is.EqualTo(148));
        Assert.That(Needed(Assert.Throws<ArgumentException>(() => key.Decrypt(encrypted, small.AsSpan(), Place))!), Is.EqualTo(100));
        Assert.Throws<ArgumentException>(() => key.Encrypt(whole.AsSpan(0, 100), whole.AsSpan(), Place));
        Assert.Throws<ArgumentException>(() => key.Decrypt(encrypted, encrypted.AsSpan(), Place));
        Assert.Throws<ArgumentException>(() => key.Encrypt(new byte[100], whole.AsSpan(), default));

        Assert.That(less.Concat(small).Concat(whole), Has.All.EqualTo(Untouched));
        Assert.That(key.Decrypt(encrypted, Place), Has.All.Zero, "the encrypted value is whole");
    }

    [Test]
    public void A_forged_value_or_a_closed_key_leaves_zeros()
    {
        using var key = ByokModelFactory.DataKey();
        var encrypted = key.Encrypt(RandomNumberGenerator.GetBytes(100), Place);
        var (opened, written) = (Memory(150), Memory(150));
        encrypted[^1] ^= 1;

        Assert.Throws<ByokDecryptionException>(() => key.Decrypt(encrypted, opened.AsSpan(), Place));
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Encrypt(new byte[100], written.AsSpan(), Place));

        Assert.That(opened[..100].Concat(written[..148]), Has.All.Zero);
        Assert.That(opened[100..].Concat(written[148..]), Has.All.EqualTo(Untouched));
    }

    private static byte[] Memory(int length)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(Untouched);
        return bytes;
    }

    private static bool IsUntouched(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExcept(Untouched);

    private static int Needed(ArgumentException thrown) =>
        int.Parse(NeededLength().Match(thrown.Message).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("^The result needs ([0-9]+) bytes, and the buffer has [0-9]+[.]")]
    private static partial Regex NeededLength();

    private IByokKeyRing Ring() => _world.Ring(ByokCredentialSettings.AccessKeysType);
}
