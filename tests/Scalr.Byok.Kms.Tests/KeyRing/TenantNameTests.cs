using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host whose store is not case-sensitive says so, and all names of a tenant reach one ring.</summary>
[CancelAfter(120_000)]
internal sealed class TenantNameTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world, with: byok => byok.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase));
        _host.Store["acme"] = _host.Store["globex"] = _world.Settings("AccessKeys");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task All_names_of_a_tenant_reach_one_ring()
    {
        var rings = new List<IByokKeyRing>();
        foreach (var name in (string[])["ACME", "acme", "Acme"])
        {
            rings.Add(await _host.GetAsync(name));
        }

        var message = await rings[0].EncryptAsync(Plaintext);

        Assert.That(rings.Distinct().Count(), Is.EqualTo(1));
        Assert.That(_host.Store.Asked, Is.EqualTo((string[])["acme"]), "the store gets the canonical name");
        Assert.That(_host.InUse, Is.EqualTo((string[])["acme"]));
        Assert.That(ByokMessage.Read(message).EncryptionContext["scalr:tenant"], Is.EqualTo("acme"));
        Assert.That(await rings[2].DecryptAsync(message), Is.EqualTo(Plaintext));

        _host.Rings.Invalidate("AcMe");
        Assert.That(_host.InUse, Is.Empty, "any name reaches the ring");
    }

    [Test]
    public async Task Messages_and_data_keys_of_either_spelling_open()
    {
        var before = new TenantHost(_world);
        before.Store["ACME"] = _world.Settings("AccessKeys");
        var old = await before.GetAsync("ACME");
        var (message, place) = (await old.EncryptAsync(Plaintext), ByokAssociatedData.For("row", 1));
        using var oldKey = await old.CreateDataKeyAsync();
        var value = oldKey.EncryptText("value", place);

        var ring = await _host.GetAsync("Acme");
        using var key = await ring.OpenDataKeyAsync(oldKey.EncryptedKey);

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(await ring.ReencryptAsync(message), Is.EqualTo(message), "it is under the current key");
        Assert.That(key.DecryptText(value, place), Is.EqualTo("value"));
        Assert.That(ByokMessage.Read(await ring.EncryptAsync(Plaintext)).EncryptionContext["scalr:tenant"], Is.EqualTo("acme"));
    }

    [Test]
    public async Task Another_tenants_message_is_refused_as_ever()
    {
        var message = await (await _host.GetAsync("GLOBEX")).EncryptAsync(Plaintext);
        var unbound = await _world.Ring("AccessKeys").EncryptAsync(Plaintext);
        var ring = await _host.GetAsync("acme");

        Assert.That(async () => await ring.DecryptAsync(message), Throws.TypeOf<ByokDecryptionException>());
        Assert.That(async () => await ring.DecryptAsync(unbound), Throws.TypeOf<ByokDecryptionException>());
    }

    [Test]
    public async Task The_host_may_say_what_the_canonical_name_is()
    {
        var host = new TenantHost(
            _world, with: byok => byok.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase, name => name.ToUpperInvariant()));
        host.Store["ACME"] = _world.Settings("AccessKeys");

        var message = await (await host.GetAsync("acme")).EncryptAsync(Plaintext);

        Assert.That(ByokMessage.Read(message).EncryptionContext["scalr:tenant"], Is.EqualTo("ACME"));
        Assert.That(
            await (await _host.GetAsync("acme")).DecryptAsync(message),
            Is.EqualTo(Plaintext),
            "a host that changes its canonical names loses nothing");
    }

    [Test]
    public void A_canonical_name_of_another_tenant_is_refused()
    {
        var host = new TenantHost(
            _world, with: byok => byok.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase, name => name.Trim()));

        Assert.That(
            async () => await host.GetAsync("acme "),
            Throws.InvalidOperationException.With.Message.StartsWith("The canonical name of a tenant must be equal to"));
        Assert.That(() => host.Rings.Invalidate("acme "), Throws.InvalidOperationException);
    }

    [TestCase("ACME", "acme")]
    [TestCase("\u00B5", "\u039C", Description = "two lower-case forms of one upper-case letter")]
    [TestCase("Stra\u00DFe", "STRA\u00DFE")]
    [TestCase("\u0130", "\u0130")]
    public void Names_that_are_equal_have_one_lower_case(string one, string other)
    {
        Assert.That(StringComparer.OrdinalIgnoreCase.Equals(one, other), Is.True);
        Assert.That(TenantNames.LowerCase(one), Is.EqualTo(TenantNames.LowerCase(other)));
    }

    [Test]
    public void Null_arguments_are_named()
    {
        var builder = new ServiceCollection().AddScalrByok();

        Assert.That(
            () => builder.AddTenantKeyRings<TenantStore>(null!),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("tenantComparer"));
        Assert.That(
            () => ((IByokBuilder)null!).AddTenantKeyRings<TenantStore>(StringComparer.Ordinal),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("builder"));
    }
}
