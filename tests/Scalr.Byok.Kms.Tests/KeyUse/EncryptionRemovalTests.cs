using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>The customer removes kms:Encrypt alone: encryption ends when the cached key expires, and nothing else does.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class EncryptionRemovalTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);

    [TestCaseSource(typeof(World.ByokWorld), nameof(World.ByokWorld.CredentialTypes))]
    public async Task Encrypting_ends_MaxAge_after_the_cached_key_was_made(string type)
    {
        await using var world = await StartAsync(type);
        Use write = await world.StartUseAsync(UseKind.EncryptMessage), read = await world.StartUseAsync(UseKind.DecryptMessage);
        world.Allow("kms:Decrypt", "kms:DescribeKey");

        await world.DemandUseAsync(MaxAge * 0.55, Step, write, read); // the library does not replace the key before
        await world.DemandUseAsync(MaxAge * 0.45, Step, read);

        Assert.That((await write.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
        await world.DemandUseAsync(MaxAge, Step, read);
        Assert.That((await write.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
    }

    [Test]
    public async Task Using_what_is_open_or_read_goes_on(
        [ValueSource(typeof(World.ByokWorld), nameof(World.ByokWorld.CredentialTypes))] string type,
        [Values(UseKind.DecryptMessage, UseKind.OpenDataKey, UseKind.DecryptValue,
            UseKind.EncryptValue, UseKind.DecryptStream, UseKind.EncryptStream, UseKind.DecryptPipe, UseKind.EncryptPipe)]
        UseKind kind)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);
        await world.StartUseAsync(UseKind.DecryptMessage); // so that kms:Decrypt was accepted
        world.Allow("kms:Decrypt", "kms:DescribeKey");
        await DenyNewAsync(world);

        await world.DemandUseAsync(2 * MaxAge, Step, use);

        await DenyNewAsync(world);
        await use.OnceAsync();
    }

    private static async Task DenyNewAsync(KeyUseWorld world)
    {
        var context = new Dictionary<string, string> { ["record"] = "new" };
        var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await world.Ring.CreateDataKeyAsync(context));
        Assert.That(denial!.Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(
            async () => await world.Ring.EncryptAsync(new MemoryStream(new byte[10]), new MemoryStream(), context));
    }
}
