namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>AWS's Encryption SDK for JavaScript decrypts what the library wrote.</summary>
[Category("Slow")]
internal sealed class JavaScriptReadsTests : InteropFixture
{
    [Test]
    public async Task Encrypt_writes_what_JavaScript_decrypts(
        [ValueSource(typeof(Sizes), nameof(Sizes.All))] (int Length, int FrameLength) size, [Values] Way writer, [Values] Way reader)
    {
        var plaintext = Sizes.Plaintext(size.Length);
        var message = await Ring(frameLength: size.FrameLength).EncryptAsync(writer, plaintext, Contexts.One);

        var opened = await Node.DecryptAsync(message, World.Key.Arn, reader);

        Assert.That(opened.Bytes.AsSpan().SequenceEqual(plaintext), Is.True);
        Assert.That(opened.FrameLength, Is.EqualTo(size.FrameLength));
    }

    [Test]
    public async Task Encrypt_writes_the_header_that_JavaScript_reads(
        [ValueSource(typeof(Contexts), nameof(Contexts.Names))] string context, [Values] Way writer, [Values] Way reader)
    {
        var pairs = Contexts.Named(context);
        var message = await Ring().EncryptAsync(writer, "abc"u8.ToArray(), pairs);

        var opened = await Node.DecryptAsync(message, World.Key.Arn, reader);

        Assert.That(opened.Bytes, Is.EqualTo("abc"u8.ToArray()));
        Assert.That(opened.SuiteId, Is.EqualTo(Suite.Committing));
        Assert.That(opened.EncryptionContext, Is.EqualTo(pairs));
        Assert.That(opened.KeyArns, Is.EqualTo(new[] { World.Key.Arn }));
    }

    [Test]
    public async Task CreateDataKey_makes_a_message_that_JavaScript_decrypts_to_the_32_bytes()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync(Contexts.One);

        var opened = await Node.DecryptAsync(key.EncryptedKey.ToArray(), World.Key.Arn);

        var purpose = new Dictionary<string, string> { ["scalr:purpose"] = "data-key" };
        Assert.That(opened.Bytes, Has.Length.EqualTo(32).And.EqualTo(await ring.DecryptAsync(key.EncryptedKey, purpose)));
        Assert.That(opened.EncryptionContext, Is.EqualTo(Contexts.One.Concat(purpose)));
    }

    [Test]
    public async Task Encrypt_binds_what_JavaScript_checks([Values] Way writer, [Values] Way reader)
    {
        var message = await Ring().EncryptAsync(writer, "abc"u8.ToArray(), Contexts.One);

        // The message id, a key's blob, the frame's content and its tag.
        foreach (var index in (int[])[20, 200, message.Length - 17, message.Length - 1])
        {
            var changed = message.ToArray();
            changed[index] ^= 1;
            await Assert.ThatAsync(
                () => Node.DecryptAsync(changed, World.Key.Arn, reader), Throws.TypeOf<ClientNodeException>(), $"byte {index}");
        }
    }
}
