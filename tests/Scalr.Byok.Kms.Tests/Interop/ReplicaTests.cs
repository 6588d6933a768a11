using LocalAws;

namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>
/// Messages written under a multi-Region key in one Region and read through its replica in another, by the library and by JavaScript.
/// </summary>
[Category("Slow")]
internal sealed class ReplicaTests : InteropFixture
{
    private LocalKey _replica = null!;

    [OneTimeSetUp]
    public void Replicate() => _replica = World.Key.Replicate("us-east-2");

    [Test]
    public async Task Encrypt_writes_what_JavaScript_decrypts_in_another_Region(
        [Values] bool fromReplica, [Values] Way writer, [Values] Way reader)
    {
        var (here, there) = Keys(fromReplica);
        var message = await Ring(here.Arn).EncryptAsync(writer, "abc"u8.ToArray(), Contexts.One);

        var opened = await Node.DecryptAsync(message, there.Arn, reader, multiRegion: true);

        Assert.That(opened.Bytes, Is.EqualTo("abc"u8.ToArray()));
        Assert.That(opened.KeyArns, Is.EqualTo(new[] { here.Arn }));
        Assert.That(LastCall, Is.EqualTo(("Decrypt", there.Region, there.Arn)));
        await Assert.ThatAsync(
            () => Node.DecryptAsync(message, there.Arn, reader),
            Throws.TypeOf<ClientNodeException>(),
            "a keyring that knows of no replicas");
    }

    [Test]
    public async Task Decrypt_reads_what_JavaScript_encrypted_in_another_Region(
        [Values] bool fromReplica, [Values] Suite suite, [Values] Way reader)
    {
        var (here, there) = Keys(fromReplica);
        var message = await Node.EncryptAsync("abc"u8.ToArray(), here.Arn, suite, Contexts.One, multiRegion: true);

        var opened = await Ring(there.Arn).DecryptAsync(reader, message.Bytes, Contexts.One);

        Assert.That(opened, Is.EqualTo("abc"u8.ToArray()));
        Assert.That(message.KeyArns, Is.EqualTo(new[] { here.Arn }));
        Assert.That(LastCall, Is.EqualTo(("Decrypt", there.Region, there.Arn)));
    }

    private (string Operation, string Region, string? Key) LastCall
    {
        get
        {
            var call = World.Aws.Log.Requests[^1];
            return (call.Operation, call.Region, call.Key);
        }
    }

    private (LocalKey Here, LocalKey There) Keys(bool fromReplica) => fromReplica ? (_replica, World.Key) : (World.Key, _replica);
}
