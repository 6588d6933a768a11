namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>The library decrypts what AWS's Encryption SDK for JavaScript wrote with the suite that the library itself writes.</summary>
internal sealed class JavaScriptWritesTests : InteropFixture
{
    [Test]
    public async Task Decrypt_reads_what_JavaScript_encrypted([ValueSource(typeof(Sizes), nameof(Sizes.All))] (int Length, int FrameLength) size, [Values] Way writer)
    {
        var plaintext = Sizes.Plaintext(size.Length);
        var sealedByNode = await Node.EncryptAsync(plaintext, World.Key.Arn, Suite.Committing, Contexts.One, size.FrameLength, writer);

        var opened = await Ring().DecryptAsync(sealedByNode.Bytes, Contexts.One);

        Assert.That(sealedByNode.SuiteId, Is.EqualTo(Suite.Committing));
        Assert.That(opened.AsSpan().SequenceEqual(plaintext), Is.True);
    }

    [Test]
    public async Task Decrypt_reads_the_header_that_JavaScript_wrote([ValueSource(typeof(Contexts), nameof(Contexts.Names))] string context)
    {
        var pairs = Contexts.Named(context);
        var sealedByNode = await Node.EncryptAsync("abc"u8.ToArray(), World.Key.Arn, Suite.Committing, pairs);

        Assert.That(await Ring().DecryptAsync(sealedByNode.Bytes, pairs), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(sealedByNode.EncryptionContext, Is.EqualTo(pairs));
    }
}
