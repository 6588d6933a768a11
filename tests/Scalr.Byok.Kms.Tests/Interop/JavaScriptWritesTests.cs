using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>
/// The library decrypts what AWS's Encryption SDK for JavaScript wrote: with that SDK's default suite, which signs, and with the library's
/// own.
/// </summary>
[Category("Slow")]
internal sealed class JavaScriptWritesTests : InteropFixture
{
    private const string PublicKey = "aws-crypto-public-key";

    [Test]
    public async Task Decrypt_reads_what_JavaScript_encrypted(
        [Values] Suite suite,
        [ValueSource(typeof(Sizes), nameof(Sizes.All))] (int Length, int FrameLength) size,
        [Values] Way writer,
        [Values] Way reader)
    {
        var plaintext = Sizes.Plaintext(size.Length);
        var message = await Node.EncryptAsync(plaintext, World.Key.Arn, Asked(suite), Contexts.One, size.FrameLength, writer);

        var opened = await Ring().DecryptAsync(reader, message.Bytes, Contexts.One);

        Assert.That(opened.AsSpan().SequenceEqual(plaintext), Is.True);
        Assert.That(message.SuiteId, Is.EqualTo(suite));
    }

    [Test]
    public async Task Decrypt_reads_the_header_that_JavaScript_wrote(
        [Values] Suite suite, [ValueSource(typeof(Contexts), nameof(Contexts.Names))] string context, [Values] Way reader)
    {
        var pairs = Contexts.Named(context);
        var message = await Node.EncryptAsync("abc"u8.ToArray(), World.Key.Arn, Asked(suite), pairs);

        Assert.That(await Ring().DecryptAsync(reader, message.Bytes, pairs), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(
            await Ring().DecryptAsync(reader, message.Bytes, message.EncryptionContext),
            Is.EqualTo("abc"u8.ToArray()),
            "with the pair of the format");
        Assert.That(message.EncryptionContext.Where(pair => pair.Key != PublicKey), Is.EquivalentTo(pairs));
        Assert.That(message.EncryptionContext.ContainsKey(PublicKey), Is.EqualTo(suite == Suite.CommittingSigned));
    }

    [Test]
    public async Task Decrypt_checks_what_JavaScript_bound([Values] Suite suite, [Values] Way reader)
    {
        var message = await Node.EncryptAsync("abc"u8.ToArray(), World.Key.Arn, Asked(suite), Contexts.One);
        Assert.That(await Ring().DecryptAsync(reader, message.Bytes), Is.EqualTo("abc"u8.ToArray()), "as it was");

        // The message id, a key's blob, and the frame's tag or the signature.
        foreach (var index in (int[])[20, 200, message.Bytes.Length - 1])
        {
            var changed = message.Bytes.ToArray();
            changed[index] ^= 1;
            await Assert.ThatAsync(() => Ring().DecryptAsync(reader, changed), Throws.TypeOf<ByokDecryptionException>(), $"byte {index}");
        }

        await Assert.ThatAsync(() => Ring().DecryptAsync(reader, message.Bytes[..^1]), Throws.TypeOf<ByokDecryptionException>(), "cut");
    }

    [Test]
    public async Task Decrypt_finds_its_key_among_those_that_JavaScript_wrapped_with([Values] Suite suite, [Values] Way reader)
    {
        var other = World.Customer.CreateKey(ByokWorld.Region);
        var message = await Node.EncryptAsync("abc"u8.ToArray(), other.Arn, Asked(suite), Contexts.One, moreKeyArns: [World.Key.Arn]);

        Assert.That(await Ring().DecryptAsync(reader, message.Bytes, Contexts.One), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(message.KeyArns, Is.EqualTo(new[] { other.Arn, World.Key.Arn }));
        Assert.That(World.Aws.Log.Requests[^1].Key, Is.EqualTo(World.Key.Arn));
    }

    /// <summary>The signing suite is the one that JavaScript takes unasked.</summary>
    private static Suite? Asked(Suite suite) => suite == Suite.CommittingSigned ? null : suite;
}
