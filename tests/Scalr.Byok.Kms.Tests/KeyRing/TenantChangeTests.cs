using LocalAws;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A customer changes the settings while calls are under way: nothing fails for it, and nothing of the old ones is left.</summary>
[CancelAfter(120_000)]
internal sealed class TenantChangeTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;
    private LocalKey _newKey = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _newKey = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = _world.AssumedRole.Policy = Policies.Permissions("*");
        _host = new TenantHost(_world, o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Calls_under_way_finish_on_the_old_ring_and_the_next_ones_use_the_new()
    {
        _host.Store["acme"] = _world.Settings("AssumeRole");
        var ring = await _host.GetAsync("acme");
        var old = TenantHost.Inner(ring);
        _world.HostCredentials.Close();
        var underWay = Enumerable.Range(0, 20)
            .Select(i => ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = $"{i}" }).AsTask()).ToArray();

        _host.Store["acme"] = NewSettings();
        _host.Rings.Invalidate("acme");
        var next = await ring.EncryptAsync(Plaintext);

        Assert.That(KeyOf(next), Is.EqualTo(_newKey.Arn));
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_newKey.Arn));
        Assert.That((await _host.GetAsync("acme")).KeyArn.ToString(), Is.EqualTo(_newKey.Arn));
        Assert.That(TenantHost.IsDisposed(old), Is.False, "calls are inside");
        Assert.That(underWay.Select(call => call.IsCompleted), Is.All.False);

        _world.HostCredentials.Open();
        var messages = await Task.WhenAll(underWay);

        Assert.That(messages.Select(KeyOf), Is.All.EqualTo(_world.Key.Arn));
        Assert.That(TenantHost.IsDisposed(old), Is.True, "the last one is out");
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(2));
    }

    [Test]
    [Category("Slow")]
    public async Task A_stream_that_is_being_written_finishes_too()
    {
        _host.Store["acme"] = _world.Settings("AccessKeys");
        var ring = await _host.GetAsync("acme");
        var old = TenantHost.Inner(ring);
        var content = new byte[3_000_000];
        using var source = new SourceStream(content);
        var hold = new Hold();
        source.At(1_000_000, hold.ObeyAsync);
        using var message = new MemoryStream();
        var underWay = ring.EncryptAsync(source, message);
        await hold.Reached;

        _host.Store["acme"] = WithPrevious();
        _host.Rings.Invalidate("acme");
        Assert.That(KeyOf(await ring.EncryptAsync(Plaintext)), Is.EqualTo(_newKey.Arn));
        Assert.That(TenantHost.IsDisposed(old), Is.False);
        hold.Release();
        await underWay;

        Assert.That(TenantHost.IsDisposed(old), Is.True);
        Assert.That((await ring.DecryptAsync(message.ToArray())).AsSpan().SequenceEqual(content));
    }

    [Test]
    public async Task The_old_rings_data_keys_are_erased()
    {
        _host.Store["acme"] = _world.Settings("AccessKeys");
        var ring = await _host.GetAsync("acme");
        await ring.DecryptAsync(await ring.EncryptAsync(Plaintext));
        await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)); // under the cached keys
        var keys = TenantHost.CachedKeys(TenantHost.Inner(ring));
        Assert.That(keys, Has.Count.EqualTo(2).And.All.Property("IsErased").False);

        _host.Rings.Invalidate("acme");

        Assert.That(keys, Has.All.Property("IsErased").True);
        foreach (var key in keys)
        {
            Assert.That(() => key.CopyTo(new byte[DataKey.Length]), Throws.TypeOf<ObjectDisposedException>(), "no use is left open");
        }

        await ring.EncryptAsync(Plaintext);
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(2));
    }

    [Test]
    [Category("Slow")]
    public async Task Nothing_fails_while_the_settings_change_again_and_again()
    {
        var settings = _world.Settings("AccessKeys");
        _host.Store["acme"] = settings;
        var ring = await _host.GetAsync("acme");
        var message = await ring.EncryptAsync(Plaintext);
        var done = false;
        var calls = Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            for (var n = 0; !Volatile.Read(ref done); n++)
            {
                await ring.DecryptAsync(message);
                await ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = $"{i}-{n % 3}" });
            }
        })).ToArray();
        for (var i = 0; i < 200; i++)
        {
            _host.Rings.Invalidate("acme");
            await (await _host.GetAsync("acme")).DecryptAsync(message);
        }

        Volatile.Write(ref done, true);
        await Task.WhenAll(calls);

        Assert.That(_host.InUse, Is.EquivalentTo(["acme"]));
    }

    [Test]
    public async Task Calls_that_fail_or_are_cancelled_leave_the_ring_as_well()
    {
        _host.Store["acme"] = _world.Settings("AccessKeys");
        var ring = await _host.GetAsync("acme");
        var old = TenantHost.Inner(ring);
        using var cancellation = new CancellationTokenSource();
        _world.Aws.Faults.Add(Fault.BlackHole());
        var cancelled = ring.EncryptAsync(Plaintext, cancellationToken: cancellation.Token).AsTask();
        await Assert.CatchAsync<ArgumentException>(
            async () => await ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["aws-crypto-x"] = "" }));
        await Assert.CatchAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(Plaintext));
        await Assert.CatchAsync<ArgumentException>(async () => await ring.DecryptAsync(null!, new MemoryStream()));

        _host.Rings.Invalidate("acme");
        Assert.That(TenantHost.IsDisposed(old), Is.False);
        await cancellation.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => cancelled);
        Assert.That(TenantHost.IsDisposed(old), Is.True);
    }

    [Test]
    public async Task Credentials_that_fail_to_be_disposed_fail_nobody()
    {
        var host = new TenantHost(_world, with: builder => builder.AddCredentialStrategy<BrittleStrategy>());
        host.Store["acme"] = new ByokKeySettings { KeyArn = _world.Key.Arn, Credentials = new ByokCredentialSettings { Type = "Brittle" } };
        BrittleStrategy.AccessKey = _world.AccessKey;
        var ring = await host.GetAsync("acme");
        await ring.EncryptAsync(Plaintext);
        var old = TenantHost.Inner(ring);

        Assert.That(() => host.Rings.Invalidate("acme"), Throws.Nothing);

        Assert.That(TenantHost.IsDisposed(old), Is.True);
        Assert.That(await ring.EncryptAsync(Plaintext), Is.Not.Empty);
    }

    [Test]
    public async Task A_look_up_that_began_before_the_change_serves_only_those_who_waited_for_it()
    {
        var hold = new Hold();
        _host.Store.Answers["acme"] = async token =>
        {
            await hold.ObeyAsync(token);
            return _world.Settings("AccessKeys");
        };
        var early = Task.Run(async () => await (await _host.GetAsync("acme")).EncryptAsync(Plaintext));
        await hold.Reached;

        _host.Store["acme"] = NewSettings();
        _host.Rings.Invalidate("acme");
        Assert.That(KeyOf(await (await _host.GetAsync("acme")).EncryptAsync(Plaintext)), Is.EqualTo(_newKey.Arn));
        hold.Release();

        Assert.That(KeyOf(await early), Is.EqualTo(_newKey.Arn), "its ring was replaced before it encrypted");
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_tenant_that_goes_is_unknown_to_rings_that_were_kept()
    {
        _host.Store["acme"] = _world.Settings("AccessKeys");
        var ring = await _host.GetAsync("acme");
        _host.Store.Answers.Clear();
        Assert.That(await ring.EncryptAsync(Plaintext), Is.Not.Empty, "no one has said so");

        _host.Rings.Invalidate("acme");

        var thrown = await Assert.ThrowsAsync<ByokTenantNotFoundException>(async () => await ring.EncryptAsync(Plaintext));
        Assert.That(thrown!.Tenant, Is.EqualTo("acme"));
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn), "what it was last");
        _host.Store["acme"] = NewSettings();
        Assert.That(KeyOf(await ring.EncryptAsync(Plaintext)), Is.EqualTo(_newKey.Arn));
    }

    [Test]
    public async Task A_tenant_that_was_never_asked_for_is_nothing_to_do()
    {
        _host.Rings.Invalidate("unknown");
        _host.Rings.Invalidate("unknown");

        Assert.That(_host.Store.Asked, Is.Empty);
        Assert.That(_host.InUse, Is.Empty);
        await Assert.ThrowsAsync<ByokTenantNotFoundException>(async () => await _host.GetAsync("unknown"));
    }

    private static string KeyOf(byte[] message) => ByokMessage.Read(message).KeyArns.Single().ToString();

    private ByokKeySettings NewSettings() => new() { KeyArn = _newKey.Arn, Credentials = _world.Settings("AccessKeys").Credentials };

    private ByokKeySettings WithPrevious()
    {
        var (settings, old) = (NewSettings(), _world.Settings("AccessKeys"));
        settings.PreviousKeys = [new ByokPreviousKeySettings { KeyArn = old.KeyArn, Credentials = old.Credentials }];
        return settings;
    }
}
