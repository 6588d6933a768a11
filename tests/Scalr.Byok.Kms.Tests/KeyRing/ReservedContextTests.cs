using System.Buffers;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// Names that begin with <c>scalr:</c> are the library's in every ring; and what a ring opens that is bound to no tenant.
/// </summary>
[CancelAfter(120_000)]
internal sealed class ReservedContextTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();
    private static readonly Dictionary<string, string> OfAcme = new() { ["scalr:tenant"] = "acme" };

    private ByokWorld _world = null!;
    private TenantHost _host = null!;
    private IByokKeyRing _unbound = null!;
    private IByokKeyRing _acme = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        var settings = _world.Settings("AccessKeys");
        _host = new TenantHost(
            _world, with: byok => byok.AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (settings.KeyArn, settings.Credentials)));
        _host.Store["acme"] = settings;
        (_unbound, _acme) = (_host.Services.GetRequiredService<IByokKeyRing>(), await _host.GetAsync("acme"));
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task No_caller_gives_them_to_any_ring(
        [Values("scalr:tenant", "scalr:purpose", "scalr:", "scalr:later", "Scalr:Tenant")] string name, [Values] bool ofTenant)
    {
        var ring = ofTenant ? _acme : _unbound;
        var context = new Dictionary<string, string> { ["record"] = "42", [name] = "acme" };
        foreach (var call in (Func<Task>[])
        [
            async () => await ring.EncryptAsync(Plaintext, context),
            async () => await ring.EncryptAsync(Plaintext, new ArrayBufferWriter<byte>(), context),
            () => ring.EncryptAsync(new MemoryStream(Plaintext), new MemoryStream(), context),
            async () => await ring.CreateDataKeyAsync(context),
        ])
        {
            var thrown = await Assert.CatchAsync<ArgumentException>(() => call());

            Assert.That(thrown!.ParamName, Is.EqualTo("encryptionContext"));
            Assert.That(
                thrown.Message, Does.StartWith($"The key '{name}' of the encryption context begins with 'scalr:', which is reserved"));
        }

        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Names_that_only_look_like_them_are_the_callers()
    {
        var context = new Dictionary<string, string> { ["scalr"] = "1", ["scalr-tenant"] = "2", ["my:scalr:tenant"] = "3" };

        Assert.That(await _acme.DecryptAsync(await _acme.EncryptAsync(Plaintext, context), context), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_ring_of_no_tenant_opens_the_messages_of_every_tenant_and_its_own_open_in_no_tenants()
    {
        var ofTenant = await _acme.EncryptAsync(Plaintext);
        var ofNone = await _unbound.EncryptAsync(Plaintext);

        Assert.That(await _unbound.DecryptAsync(ofTenant), Is.EqualTo(Plaintext), "its caller has the whole key");
        Assert.That(await _unbound.DecryptAsync(ofTenant, OfAcme), Is.EqualTo(Plaintext));
        Assert.That(await _unbound.ReencryptAsync(ofTenant), Is.EqualTo(ofTenant));
        using (var key = await _acme.CreateDataKeyAsync())
        using (var same = await _unbound.OpenDataKeyAsync(key.EncryptedKey, OfAcme))
        {
            Assert.That(same.Decrypt(key.Encrypt(Plaintext)), Is.EqualTo(Plaintext));
        }

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await _acme.DecryptAsync(ofNone));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await _acme.ReencryptAsync(ofNone));
        using var unboundKey = await _unbound.CreateDataKeyAsync();
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await _acme.OpenDataKeyAsync(unboundKey.EncryptedKey));
    }

    [Test]
    public async Task A_ring_of_no_tenant_can_demand_a_tenant()
    {
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await _unbound.DecryptAsync(await _unbound.EncryptAsync(Plaintext), OfAcme));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await _unbound.DecryptAsync(
                await _acme.EncryptAsync(Plaintext), new Dictionary<string, string> { ["scalr:tenant"] = "globex" }));
    }
}
