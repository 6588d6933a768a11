using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>
/// A message that was moved from a previous key to the current one is still a message to JavaScript, and JavaScript's can be moved, too.
/// </summary>
[Category("Slow")]
internal sealed class ReencryptTests : InteropFixture
{
    private static readonly Dictionary<string, string> Context = Contexts.Named("non-ASCII");

    private LocalKey _previous = null!;

    /// <summary>Encrypts under the current key and may still decrypt what the previous one wrapped.</summary>
    private IByokKeyRing Current => World.Ring(
        ByokCredentialSettings.AccessKeysType,
        settings => settings.PreviousKeys = [new() { KeyArn = _previous.Arn, Credentials = settings.Credentials }]);

    [OneTimeSetUp]
    public void CreatePrevious() => _previous = World.Customer.CreateKey(ByokWorld.Region);

    [Test]
    public async Task Reencrypt_writes_what_JavaScript_decrypts_with_the_current_key_alone(
        [Values(0, 1, 131_072, Sizes.Large)] int length, [Values] Way writer, [Values] Way reader)
    {
        var plaintext = Sizes.Plaintext(length);
        var message = await Ring(_previous.Arn).EncryptAsync(plaintext, Context);

        var reencrypted = await Current.ReencryptAsync(writer, message);
        var opened = await Node.DecryptAsync(reencrypted, World.Key.Arn, reader);

        Assert.That(opened.Bytes.AsSpan().SequenceEqual(plaintext), Is.True);
        Assert.That(opened.SuiteId, Is.EqualTo(Suite.Committing));
        Assert.That(opened.EncryptionContext, Is.EqualTo(Context));
        Assert.That(opened.KeyArns, Is.EqualTo(new[] { World.Key.Arn }));
        await Assert.ThatAsync(() => Node.DecryptAsync(message, World.Key.Arn, reader), Throws.TypeOf<ClientNodeException>(), "as it was");
        await Assert.ThatAsync(
            () => Node.DecryptAsync(reencrypted, _previous.Arn, reader), Throws.TypeOf<ClientNodeException>(), "with the previous key");
    }

    [Test]
    public async Task Reencrypt_moves_what_JavaScript_encrypted([Values(0, 8192, Sizes.Large)] int length, [Values] Way way)
    {
        var plaintext = Sizes.Plaintext(length);
        var message = await Node.EncryptAsync(plaintext, _previous.Arn, Suite.Committing, Context);

        var reencrypted = await Current.ReencryptAsync(way, message.Bytes);

        Assert.That((await Ring().DecryptAsync(way, reencrypted, Context)).AsSpan().SequenceEqual(plaintext), Is.True);
        Assert.That((await Current.DecryptAsync(way, message.Bytes, Context)).AsSpan().SequenceEqual(plaintext), Is.True, "as it was");
        var opened = await Node.DecryptAsync(reencrypted, World.Key.Arn, way);
        Assert.That(opened.Bytes.AsSpan().SequenceEqual(plaintext), Is.True);
        Assert.That(opened.EncryptionContext, Is.EqualTo(Context));
    }

    [Test]
    public async Task Reencrypt_moves_what_JavaScript_signed([Values] Way way)
    {
        var message = await Node.EncryptAsync("abc"u8.ToArray(), _previous.Arn, Suite.CommittingSigned, Context);

        var reencrypted = await Current.ReencryptAsync(way, message.Bytes);

        var opened = await Node.DecryptAsync(reencrypted, World.Key.Arn, way);
        Assert.That((opened.Bytes, opened.SuiteId), Is.EqualTo(("abc"u8.ToArray(), Suite.Committing)));
        Assert.That(opened.EncryptionContext, Is.EqualTo(Context));
    }
}
