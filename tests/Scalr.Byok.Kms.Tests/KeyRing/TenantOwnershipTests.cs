using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A tenant that types what another tenant has registered gets no key ring, and learns nothing about the other.</summary>
[CancelAfter(120_000)]
internal sealed class TenantOwnershipTests
{
    private static readonly byte[] Plaintext = "for victim"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_confused_deputy_is_not_served([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        _host.Store.Register("victim-of-41", _world.Settings(type));
        _host.Store["mallory"] = _world.Settings(type); // the very same key, role, external ID and audience
        var victim = await _host.GetAsync("victim-of-41");
        var message = await victim.EncryptAsync(Plaintext);
        _world.Aws.Log.Clear();

        var paths = type == ByokCredentialSettings.AccessKeysType ? ["KeyArn"] : (string[])["KeyArn", "Credentials:RoleArn"];
        var thrown = await RefusedAsync("mallory", paths);

        Assert.That(
            thrown.ToString(), Does.Not.Contain("victim-of-41").And.Not.Contain(_world.Key.KeyId).And.Not.Contain(ByokWorld.ExternalId));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
        Assert.That(await victim.DecryptAsync(message), Is.EqualTo(Plaintext), "the victim is served as before");
    }

    [Test]
    public async Task Without_registrations_a_confused_deputy_is_served()
    {
        _host.Store["victim"] = _host.Store["mallory"] = _world.Settings("AssumeRole");

        Assert.That(
            await (await _host.GetAsync("mallory")).EncryptAsync(Plaintext), Is.Not.Empty, "the external ID that mallory typed is right");
    }

    [Test]
    public async Task A_replica_of_a_registered_key_is_the_registered_key()
    {
        _world.Key.Replicate("us-east-2");
        _host.Store.Register("victim", _world.Settings("AssumeRole"));
        _host.Store["mallory"] = new ByokKeySettings
        {
            KeyArn = KmsKeyArn.Parse(_world.Key.Arn).InRegion("us-east-2").ToString(),
            Credentials = _world.Settings("AccessKeys").Credentials,
        };

        await RefusedAsync("mallory", "KeyArn");
    }

    [Test]
    public async Task A_role_alone_is_enough_and_previous_keys_count_on_either_side()
    {
        var (old, own) = (_world.Customer.CreateKey(ByokWorld.Region), _world.Customer.CreateKey(ByokWorld.Region));
        var settings = _world.Settings("AssumeRole");
        settings.PreviousKeys = [new() { KeyArn = old.Arn, Credentials = _world.Settings("Oidc").Credentials }];
        _host.Store.Register("victim", settings);
        var accessKeys = _world.Settings("AccessKeys").Credentials;
        _host.Store["role"] = new ByokKeySettings { KeyArn = own.Arn, Credentials = settings.Credentials };
        var otherWriting = $"arn:aws:iam::{ByokWorld.CustomerAccount}:role/a/path/{_world.OidcRole.Name.ToUpperInvariant()}";
        _host.Store["other role"] = new ByokKeySettings
        {
            KeyArn = own.Arn,
            Credentials = ByokCredentialSettings.Oidc(otherWriting, "aud"),
        };
        _host.Store["old key"] = new ByokKeySettings { KeyArn = old.Arn, Credentials = accessKeys };
        _host.Store["previous"] = new ByokKeySettings
        {
            KeyArn = own.Arn,
            Credentials = accessKeys,
            PreviousKeys =
            [
                new() { KeyArn = _world.Customer.CreateKey(ByokWorld.Region).Arn, Credentials = settings.Credentials },
                new() { KeyArn = _world.Key.Arn, Credentials = accessKeys },
            ],
        };

        await RefusedAsync("role", "Credentials:RoleArn");
        await RefusedAsync("other role", "Credentials:RoleArn");
        await RefusedAsync("old key", "KeyArn");
        await RefusedAsync("previous", "PreviousKeys:0:Credentials:RoleArn", "PreviousKeys:1:KeyArn");
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task The_tenant_itself_is_known_by_any_of_its_names()
    {
        var host = new TenantHost(_world, with: byok => byok.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase));
        var settings = _world.Settings("AssumeRole");
        host.Store.Register("ACME", settings);
        host.Store["acme"] = host.Store["globex"] = settings;

        Assert.That(await (await host.GetAsync("Acme")).EncryptAsync(Plaintext), Is.Not.Empty);
        await Assert.ThrowsAsync<OptionsValidationException>(async () => await host.GetAsync("globex"));

        _host.Store.Register("ACME", settings);
        _host.Store["acme"] = settings;
        await RefusedAsync("acme", "KeyArn", "Credentials:RoleArn");
    }

    [Test]
    public async Task Tenants_share_if_the_host_wishes()
    {
        var host = new TenantHost(_world, options => options.AllowSharedKeys = true);
        host.Store.Register("victim", _world.Settings("AssumeRole"));
        host.Store["friend"] = _world.Settings("AssumeRole");

        Assert.That(await (await host.GetAsync("friend")).EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(host.Store.LookedUp, Is.Empty);
    }

    [Test]
    public async Task Each_key_and_role_is_looked_up_once_for_a_ring()
    {
        var settings = _world.Settings("AssumeRole");
        settings.PreviousKeys = [new() { KeyArn = _world.Customer.CreateKey(ByokWorld.Region).Arn, Credentials = settings.Credentials }];
        _host.Store.Register("acme", settings);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _host.GetAsync("acme").AsTask()));
        await (await _host.GetAsync("acme")).EncryptAsync(Plaintext);

        Assert.That(_host.Store.LookedUp, Is.EqualTo(ByokTenantResources.Of(settings)));
    }

    [Test]
    public async Task A_registration_that_moves_counts_for_the_next_ring()
    {
        _host.Store.Register("acme", _world.Settings("AssumeRole"));
        var ring = await _host.GetAsync("acme");
        foreach (var resource in _host.Store.Registered.Keys)
        {
            _host.Store.Registered[resource] = "globex";
        }

        Assert.That(await ring.EncryptAsync(Plaintext), Is.Not.Empty, "as with settings, the host says when something has changed");
        _host.Rings.Invalidate("acme");

        await Assert.ThrowsAsync<OptionsValidationException>(async () => await ring.EncryptAsync(Plaintext));
    }

    [Test]
    public async Task What_the_host_throws_passes_unchanged_and_the_next_caller_asks_again()
    {
        _host.Store.Register("acme", _world.Settings("AssumeRole"));
        var failure = new TimeoutException("the database");
        _host.Store.LookingUp = _ => throw failure;

        var thrown = await Assert.ThrowsAsync<TimeoutException>(async () => await _host.GetAsync("acme"));
        _host.Store.LookingUp = _ => Task.CompletedTask;

        Assert.That(thrown, Is.SameAs(failure));
        Assert.That((await _host.GetAsync("acme")).KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
    }

    [Test]
    public async Task A_service_of_its_own_comes_before_the_store()
    {
        var host = new TenantHost(_world, with: byok => byok.Services.AddSingleton<IByokTenantRegistrations>(new OneTenant("victim")));
        host.Store["victim"] = host.Store["mallory"] = _world.Settings("AssumeRole");

        Assert.That(await host.GetAsync("victim"), Is.Not.Null);
        await Assert.ThrowsAsync<OptionsValidationException>(async () => await host.GetAsync("mallory"));
        Assert.That(host.Store.LookedUp, Is.Empty);
    }

    [Test]
    public async Task Rings_of_AddKeyRing_are_the_operators_and_are_not_checked()
    {
        var settings = _world.Settings("AssumeRole");
        var host = new TenantHost(
            _world, with: byok => byok.AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (settings.KeyArn, settings.Credentials)));
        host.Store.Register("acme", settings);

        Assert.That(await host.Services.GetRequiredService<IByokKeyRing>().EncryptAsync(Plaintext), Is.Not.Empty);
    }

    [Test]
    public async Task A_tenants_key_in_the_hosts_account_is_refused_as_is_its_role()
    {
        var settings = _world.Settings("AssumeRole");
        var key = _world.Aws.Account(ByokWorld.HostAccount).CreateKey(ByokWorld.Region);
        _host.Store["mallory"] = new ByokKeySettings
        {
            KeyArn = key.Arn,
            Credentials = ByokCredentialSettings.AssumeRole($"arn:aws:iam::{ByokWorld.HostAccount}:role/admin", ByokWorld.ExternalId),
            PreviousKeys = [new() { KeyArn = _world.Key.Arn, Credentials = settings.Credentials }],
        };
        const string Own = $"is in account {ByokWorld.HostAccount}, which is HostAccountId, the host's own. "
            + "Use the customer's account, or set AllowHostAccount to accept the host's.";

        var thrown = await Assert.ThrowsAsync<OptionsValidationException>(async () => await _host.GetAsync("mallory"));

        Assert.That(thrown!.Failures, Is.EqualTo((string[])[$"Key ring: KeyArn {Own}", $"Key ring: Credentials:RoleArn {Own}"]));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_tenants_ring_with_AssumeRole_needs_the_hosts_account()
    {
        var host = new TenantHost(_world, options => options.HostAccountId = null);
        host.Store["keys"] = _world.Settings("AccessKeys");
        host.Store["role"] = _world.Settings("AssumeRole");

        Assert.That(await (await host.GetAsync("keys")).EncryptAsync(Plaintext), Is.Not.Empty);
        var thrown = await Assert.ThrowsAsync<OptionsValidationException>(async () => await host.GetAsync("role"));

        Assert.That(thrown!.Failures, Is.EqualTo((string[])
            ["Key ring: Credentials:Type AssumeRole needs the AWS account of the host; the host must set HostAccountId in the options "
                + "of AddScalrByok."]));
        Assert.That(_world.Aws.Log.Count("AssumeRole"), Is.Zero);
    }

    /// <summary>No ring is made, and the message names the settings and nothing else.</summary>
    private async Task<OptionsValidationException> RefusedAsync(string tenant, params string[] paths)
    {
        var thrown = await Assert.ThrowsAsync<OptionsValidationException>(async () => await _host.GetAsync(tenant));

        Assert.That(thrown!.Failures, Is.EqualTo(paths.Select(path =>
            $"Key ring: {path} is not available to this tenant, because it is registered for another. If tenants may share keys and "
            + "roles, set AllowSharedKeys.")));
        Assert.That((thrown.OptionsName, thrown.OptionsType), Is.EqualTo((tenant, typeof(ByokKeySettings))));
        return thrown;
    }

    private sealed class OneTenant(string tenant) : IByokTenantRegistrations
    {
        public ValueTask<string?> FindTenantAsync(string resource, CancellationToken cancellationToken) => new(tenant);
    }
}
