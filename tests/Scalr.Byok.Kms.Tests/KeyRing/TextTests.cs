using Moq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Texts as payloads of a key ring.</summary>
internal sealed class TextTests
{
    private static readonly Dictionary<string, string> Context = new() { ["variable"] = "db_password" };

    [Test]
    public async Task A_text_comes_back_and_is_bound_to_its_context()
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring("AccessKeys");
        var other = new Dictionary<string, string> { ["variable"] = "another" };

        foreach (var text in (string[])["", "db password", "пароль 🔑"])
        {
            var message = await ring.EncryptTextAsync(text, Context);

            Assert.That(await ring.DecryptTextAsync(message, Context), Is.EqualTo(text));
            Assert.That(System.Text.Encoding.UTF8.GetString(await ring.DecryptAsync(message)), Is.EqualTo(text), "plain UTF-8");
            await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptTextAsync(message, other));
        }
    }

    [Test]
    public async Task A_message_within_the_bound_on_its_length()
    {
        await using var world = await ByokWorld.StartAsync();
        var message = await world.Ring("AccessKeys").EncryptAsync(new byte[200_000], Context);

        Assert.That(ByokMessage.GetMaxEncryptedLength(200_000, Context) - message.Length, Is.InRange(0, 6144));
    }

    [Test]
    public async Task A_payload_that_is_no_text_is_refused_as_text()
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[] { 0xff, 0xfe });

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptTextAsync(message));
    }

    [Test]
    public async Task A_text_that_is_not_Unicode_is_refused_before_any_call()
    {
        var ring = new Mock<IByokKeyRing>(MockBehavior.Strict);

        Assert.That(
            (await Assert.ThrowsAsync<ArgumentException>(async () => await ring.Object.EncryptTextAsync("\ud800")))!.Message,
            Is.EqualTo("The text is not valid Unicode: it contains an unpaired surrogate. (Parameter 'text')"));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await ring.Object.EncryptTextAsync(null!));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await ((IByokKeyRing)null!).EncryptTextAsync("a"));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await ((IByokKeyRing)null!).DecryptTextAsync(new byte[1]));
    }

    [Test]
    public async Task A_mocked_ring_serves_texts_and_its_plaintext_is_erased()
    {
        var ring = new Mock<IByokKeyRing>(MockBehavior.Strict);
        ReadOnlyMemory<byte> encrypted = default;
        byte[] message = [1, 2, 3], decrypted = [.. "abc"u8];
        ring.Setup(r => r.EncryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), Context, default))
            .Returns((ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? _, CancellationToken _) =>
            {
                encrypted = plaintext;
                return new(plaintext.Span.SequenceEqual("abc"u8) ? message : []);
            });
        ring.Setup(r => r.DecryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), Context, default)).Returns(new ValueTask<byte[]>(decrypted));

        Assert.That(await ring.Object.EncryptTextAsync("abc", Context), Is.SameAs(message));
        Assert.That(await ring.Object.DecryptTextAsync(message, Context), Is.EqualTo("abc"));

        Assert.That(encrypted.ToArray(), Is.All.Zero, "erased");
        Assert.That(decrypted, Is.All.Zero, "erased");
    }
}
