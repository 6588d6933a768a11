using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A message is its tenant's, and opens for no one else, even where several have one KMS key.</summary>
[CancelAfter(120_000)]
internal sealed class TenantBindingTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();
    private static readonly Dictionary<string, string> Context = new() { ["record"] = "42", ["zebra"] = "crossing" };

    private ByokWorld _world = null!;
    private TenantHost _host = null!;
    private IByokKeyRing _acme = null!;
    private IByokKeyRing _other = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world);
        _host.Store["acme"] = _host.Store["other"] = _world.Settings("AccessKeys");
        (_acme, _other) = (await _host.GetAsync("acme"), await _host.GetAsync("other"));
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Every_message_names_its_tenant([Values("none", "empty", "some")] string given)
    {
        var context = given switch { "none" => null, "empty" => [], _ => Context };
        using var stream = new MemoryStream();
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        await _acme.EncryptAsync(new MemoryStream(Plaintext), stream, context);
        await _acme.EncryptAsync(Plaintext, buffer, context);
        var expected = new Dictionary<string, string>(context ?? []) { ["scalr:tenant"] = "acme" };

        foreach (var message in (byte[][])[await _acme.EncryptAsync(Plaintext, context), stream.ToArray(), buffer.WrittenSpan.ToArray()])
        {
            Assert.That(ByokMessage.Read(message).EncryptionContext, Is.EquivalentTo(expected));
            await DecryptsAsync(_acme, message, context);
            await DecryptsAsync(_acme, message, null);
            await DecryptsAsync(_acme, message, expected);
        }
    }

    [Test]
    public async Task Another_tenants_message_is_refused_without_a_call_to_AWS()
    {
        var message = await _acme.EncryptAsync(Plaintext, Context);
        var forged = await _other.EncryptAsync(Plaintext, Context);

        await RefusesAsync(_other, message, Context);
        await RefusesAsync(_other, message, null);
        await RefusesAsync(_other, message, new Dictionary<string, string> { ["scalr:tenant"] = "acme" });
        await RefusesAsync(_acme, forged, null);
        await RefusesAsync(_acme, message, new Dictionary<string, string> { ["scalr:tenant"] = "other" });

        await DecryptsAsync(_acme, message, Context);
    }

    [Test]
    public async Task Tenants_differ_to_the_letter()
    {
        _host.Store["Acme"] = _host.Store["acme "] = _world.Settings("AccessKeys");
        var message = await _acme.EncryptAsync(Plaintext);

        await RefusesAsync(await _host.GetAsync("Acme"), message, null);
        await RefusesAsync(await _host.GetAsync("acme "), message, null);
    }

    [Test]
    public async Task A_message_without_a_tenant_is_refused()
    {
        var message = await _world.Ring("AccessKeys").EncryptAsync(Plaintext, Context);

        await RefusesAsync(_acme, message, Context);
    }

    [Test]
    public async Task A_message_whose_tenant_was_exchanged_is_refused_by_AWS()
    {
        var message = await _acme.EncryptAsync(Plaintext);
        var at = message.AsSpan().IndexOf("acme"u8);
        "evil"u8.CopyTo(message.AsSpan(at));
        _host.Store["evil"] = _world.Settings("AccessKeys");

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await (await _host.GetAsync("evil")).DecryptAsync(message));

        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.EqualTo(1));
    }

    [Test]
    public async Task Who_gives_the_tenant_to_encryption_is_told([Values("acme", "other")] string tenant)
    {
        var context = new Dictionary<string, string> { ["scalr:tenant"] = tenant };
        var calls = _world.Aws.Log.Requests.Count;

        var thrown = await Assert.ThrowsAsync<ArgumentException>(async () => await _acme.EncryptAsync(Plaintext, context));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await _acme.EncryptAsync(Plaintext, new System.Buffers.ArrayBufferWriter<byte>(), context));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await _acme.EncryptAsync(new MemoryStream(Plaintext), new MemoryStream(), context));

        Assert.That(thrown!.ParamName, Is.EqualTo("encryptionContext"));
        Assert.That(thrown.Message, Does.StartWith(
            "The key 'scalr:tenant' of the encryption context begins with 'scalr:', which is reserved: key rings add such pairs "
            + "themselves."));
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(calls));
    }

    [Test]
    public async Task Re_encryption_makes_the_same_demand_and_keeps_the_tenant()
    {
        var old = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = Policies.Permissions("*");
        var settings = _world.Settings("AccessKeys");
        _host.Store["before"] = new ByokKeySettings { KeyArn = old.Arn, Credentials = settings.Credentials };
        var message = await (await _host.GetAsync("before")).EncryptAsync(Plaintext);
        settings.PreviousKeys = [new ByokPreviousKeySettings { KeyArn = old.Arn, Credentials = settings.Credentials }];
        _host.Store["before"] = _host.Store["after"] = settings;
        _host.Rings.Invalidate("before");
        var current = await _other.EncryptAsync(Plaintext);
        var calls = _world.Aws.Log.Requests.Count;

        var stranger = await _host.GetAsync("after");
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await stranger.ReencryptAsync(message));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await stranger.ReencryptAsync(new MemoryStream(message), new MemoryStream()));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await stranger.ReencryptAsync(current), "not even where there would be nothing to do");
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(calls));

        var ring = await _host.GetAsync("before");
        using var stream = new MemoryStream();
        await ring.ReencryptAsync(new MemoryStream(message), stream);
        foreach (var reencrypted in (byte[][])[await ring.ReencryptAsync(message), stream.ToArray()])
        {
            Assert.That(ByokMessage.Read(reencrypted).EncryptionContext["scalr:tenant"], Is.EqualTo("before"));
            await DecryptsAsync(ring, reencrypted, null);
        }
    }

    [Test]
    public async Task A_customer_reads_it_with_a_ring_that_is_bound_to_nobody()
    {
        var message = await _acme.EncryptAsync(Plaintext, Context);

        await DecryptsAsync(
            _world.Ring("AccessKeys"), message, new Dictionary<string, string> { ["scalr:tenant"] = "acme", ["record"] = "42" });
    }

    private async Task RefusesAsync(IByokKeyRing ring, byte[] message, Dictionary<string, string>? context)
    {
        var calls = _world.Aws.Log.Requests.Count;
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message, context));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await ring.DecryptAsync(message, new System.Buffers.ArrayBufferWriter<byte>(), context));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await ring.DecryptAsync(new MemoryStream(message), new MemoryStream(), context));
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(calls), "AWS was not asked");
    }

    private static async Task DecryptsAsync(IByokKeyRing ring, byte[] message, Dictionary<string, string>? context)
    {
        using var plaintext = new MemoryStream();
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        await ring.DecryptAsync(new MemoryStream(message), plaintext, context);
        await ring.DecryptAsync(message, buffer, context);
        Assert.That(await ring.DecryptAsync(message, context), Is.EqualTo(Plaintext));
        Assert.That(plaintext.ToArray(), Is.EqualTo(Plaintext));
        Assert.That(buffer.WrittenSpan.ToArray(), Is.EqualTo(Plaintext));
    }
}
