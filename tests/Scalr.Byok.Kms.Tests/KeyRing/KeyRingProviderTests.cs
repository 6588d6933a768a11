using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>How a tenant's ring comes about, and what is said when it does not.</summary>
[CancelAfter(120_000)]
internal sealed class KeyRingProviderTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world);
        _host.Store["acme"] = _world.Settings("AccessKeys");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_ring_encrypts_and_decrypts([Values("AccessKeys", "AssumeRole", "Oidc")] string type, [Values] bool withContext)
    {
        _host.Store["acme"] = _world.Settings(type);
        var context = withContext ? new Dictionary<string, string> { ["record"] = "42" } : null;
        var ring = await _host.GetAsync("acme");

        var message = await ring.EncryptAsync(Plaintext, context);

        Assert.That(await (await _host.GetAsync("acme")).DecryptAsync(message, context), Is.EqualTo(Plaintext));
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
        Assert.That((await ring.ProbeAsync()).KeyArn, Is.EqualTo(ring.KeyArn));
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_hundred_first_calls_at_once_share_one_look_up()
    {
        var hold = new Hold();
        _host.Store.Answers["acme"] = async token =>
        {
            await hold.ObeyAsync(token);
            return _world.Settings("AccessKeys");
        };
        var calls = Enumerable.Range(0, 100).Select(_ => Task.Run(async () => await _host.GetAsync("acme"))).ToArray();
        await hold.Reached;
        hold.Release();

        var rings = await Task.WhenAll(calls);

        Assert.That(_host.Store.Count("acme"), Is.EqualTo(1));
        Assert.That(rings.Select(TenantHost.Inner).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_caller_who_cancels_leaves_the_others_their_look_up()
    {
        var hold = new Hold();
        _host.Store.Answers["acme"] = async token =>
        {
            await hold.ObeyAsync(token);
            return _world.Settings("AccessKeys");
        };
        using var cancellation = new CancellationTokenSource();
        var impatient = _host.Rings.GetKeyRingAsync("acme", cancellation.Token).AsTask();
        var patient = _host.GetAsync("acme").AsTask();
        await hold.Reached;

        await cancellation.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => impatient);
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
        hold.Release();
        Assert.That(await (await patient).EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(1));
        await Assert.CatchAsync<OperationCanceledException>(async () => await _host.Rings.GetKeyRingAsync("acme", cancellation.Token));
    }

    [Test]
    public async Task A_failure_of_the_store_is_everybodys_untouched_and_the_next_caller_asks_again([Values] bool isCancellation)
    {
        var hold = new Hold();
        Exception failure = isCancellation
            ? new TaskCanceledException("the database's own time limit")
            : new InvalidOperationException("no database");
        _host.Store.Answers["acme"] = async token =>
        {
            await hold.ObeyAsync(token);
            throw failure;
        };
        var calls = Enumerable.Range(0, 10).Select(_ => _host.GetAsync("acme").AsTask()).ToArray();
        await hold.Reached;
        hold.Release();

        foreach (var call in calls)
        {
            Assert.That(await Assert.CatchAsync<Exception>(() => call), Is.SameAs(failure));
        }

        Assert.That(_host.Store.Count("acme"), Is.EqualTo(1));
        _host.Store["acme"] = _world.Settings("AccessKeys");
        Assert.That(await (await _host.GetAsync("acme")).EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_store_that_throws_at_once_is_no_different()
    {
        _host.Store.Answers["acme"] = _ => throw new InvalidOperationException("no database");

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _host.GetAsync("acme"));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _host.GetAsync("acme"));

        Assert.That(_host.Store.Count("acme"), Is.EqualTo(2));
    }

    [Test]
    public async Task The_look_up_is_off_its_first_callers_context([Values] bool isSuppressed)
    {
        var ambient = new AsyncLocal<string?> { Value = "the first caller's" };
        var seen = "not asked";
        _host.Store.Answers["acme"] = _ =>
        {
            seen = ambient.Value;
            return Task.FromResult<ByokKeySettings?>(_world.Settings("AccessKeys"));
        };
        ValueTask<IByokKeyRing> ring;
        using (isSuppressed ? ExecutionContext.SuppressFlow() : default(IDisposable))
        {
            ring = _host.GetAsync("acme");
        }

        await ring;

        Assert.That(seen, Is.Null);
    }

    [Test]
    public async Task An_unknown_tenant_is_said_to_be_unknown_and_not_remembered()
    {
        var thrown = await Assert.ThrowsAsync<ByokTenantNotFoundException>(async () => await _host.GetAsync("unknown-7"));

        Assert.That((thrown!.Tenant, thrown.IsTransient), Is.EqualTo(("unknown-7", false)));
        Assert.That(thrown.Message, Does.Not.Contain("unknown-7").And.Contains("IByokKeySettingsStore"), "messages go into logs");
        Assert.That(_host.InUse, Is.Empty);
        _host.Store["unknown-7"] = _world.Settings("AccessKeys");
        Assert.That(await _host.GetAsync("unknown-7"), Is.Not.Null);
    }

    [Test]
    public async Task Bad_settings_are_told_all_at_once_without_secrets()
    {
        _host.Store["acme"] = new ByokKeySettings
        {
            KeyArn = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
            Credentials = new ByokCredentialSettings
            {
                Type = "AssumeRole",
                RoleArn = "S3cret",
                ExternalId = "S3cret ",
                SecretAccessKey = "S3cret",
            },
        };

        var thrown = await Assert.ThrowsAsync<OptionsValidationException>(async () => await _host.GetAsync("acme"));

        Assert.That((thrown!.OptionsName, thrown.OptionsType), Is.EqualTo(("acme", typeof(ByokKeySettings))));
        Assert.That(thrown.Failures, Has.Some.Contains(
            "KeyArn: Region eu-west-1").And.Some.Contains("RoleArn").And.Some.Contains("ExternalId").And.Some.Contains("SecretAccessKey"));
        Assert.That(thrown.ToString(), Does.Not.Contain("S3cret"));
        _host.Store["acme"] = _world.Settings("AccessKeys");
        Assert.That(await _host.GetAsync("acme"), Is.Not.Null, "nothing of it is kept");
    }

    [Test]
    public async Task Names_of_tenants_are_checked()
    {
        foreach (var bad in (string?[])[null, "", new string('x', 1001), "half\ud83d", "\udd11"])
        {
            await Assert.CatchAsync<ArgumentException>(async () => await _host.GetAsync(bad!));
            Assert.That(() => _host.Rings.Invalidate(bad!), Throws.InstanceOf<ArgumentException>());
        }

        Assert.That(_host.Store.Asked, Is.Empty);
        foreach (var good in (string[])[" ", "ACME", "acmé 🔑", new string('\u20ac', 1000)])
        {
            _host.Store[good] = _world.Settings("AccessKeys");
            var ring = await _host.GetAsync(good);
            Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
        }

        Assert.That(_host.Store.Count("acme"), Is.Zero, "names differ by case");
    }

    [Test]
    public async Task Disposing_the_services_disposes_all_rings([Values] bool handlesFirst)
    {
        var ring = await _host.GetAsync("acme");
        var message = await ring.EncryptAsync(Plaintext);
        var inner = TenantHost.Inner(ring);
        _host.Store.Answers["hangs"] = _ => new TaskCompletionSource<ByokKeySettings?>().Task;
        var waiting = _host.GetAsync("hangs").AsTask();
        await ByokWorld.UntilAsync(() => _host.Store.Count("hangs") == 1, "the store was not asked");

        await _host.Services.DisposeAsync();

        Assert.That(TenantHost.IsDisposed(inner), Is.True);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            async () => await (handlesFirst ? ring.EncryptAsync(Plaintext) : ring.DecryptAsync(message)));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ring.ProbeAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await _host.GetAsync("acme"));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await _host.GetAsync("another"));
        Assert.That(() => _host.Rings.Invalidate("acme"), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
    }

    [Test]
    public async Task Calls_under_way_end_when_the_services_are_disposed()
    {
        _host.Store["acme"] = _world.Settings("AssumeRole");
        var ring = await _host.GetAsync("acme");
        _world.Aws.Faults.Add(LocalAws.Fault.BlackHole());
        var call = ring.EncryptAsync(Plaintext).AsTask();
        await _world.ReceivedAsync("AssumeRole");

        await _host.Services.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
    }

    [Test]
    public async Task Rings_of_AddKeyRing_stand_beside_them()
    {
        var host = new TenantHost(_world, with: builder => builder.AddKeyRing(
            s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials)).AddTenantKeyRings<TenantStore>());
        host.Store["acme"] = _world.Settings("AccessKeys");
        var own = host.Services.GetRequiredService<IByokKeyRing>();

        var message = await own.EncryptAsync(Plaintext);

        Assert.That(await own.DecryptAsync(message), Is.EqualTo(Plaintext));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await (await host.GetAsync("acme")).DecryptAsync(message));
    }
}
