using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.KeyUse;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>Events name the tenant or the ring, and survive a change of settings; an idle tenant ends without an event.</summary>
[CancelAfter(240_000)]
internal sealed class TenantEventTests
{
    private static readonly byte[] Plaintext = "text"u8.ToArray();
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private ByokWorld _world = null!;
    private RecordingObserver _observer = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _observer = new RecordingObserver(_world.Time);
        _host = new TenantHost(_world, with: builder => builder.AddKeyObserver(_observer));
        _host.Store["acme"] = _host.Store["other"] = _world.Settings("AccessKeys");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    private int Tracked => _host.Services.GetRequiredService<KeyEvents>().Tracked;

    [Test]
    public async Task An_event_names_the_tenant()
    {
        await DenyAsync("acme");

        var denied = await _observer.NextAsync();
        Assert.That((denied.Tenant, denied.KeyRing), Is.EqualTo(("acme", (string?)null)));
    }

    [Test]
    public async Task Tenants_with_one_key_have_events_of_their_own()
    {
        await DenyAsync("acme");
        await DenyAsync("other");

        await _observer.NextAsync(2);
        Assert.That(_observer.Events.Select(one => one.Tenant), Is.EqualTo(RecordingObserver.List("acme", "other")));
        Assert.That(_observer.Events[0].Id, Is.Not.EqualTo(_observer.Events[1].Id));
    }

    [Test]
    public async Task An_event_names_the_ring()
    {
        var services = _world.Services();
        var settings = _world.Settings("AccessKeys");
        services.AddScalrByok().AddKeyObserver(_observer).AddKeyRing("main", ring =>
            (ring.KeyArn, ring.Credentials) = (settings.KeyArn, settings.Credentials));
        var ring = _world.Build(services).GetRequiredKeyedService<IByokKeyRing>("main");
        _world.Key.Disable();
        Assert.That(async () => await ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokKeyUnavailableException>());
        _world.Time.Advance(Minute);

        var denied = await _observer.NextAsync();
        Assert.That((denied.Tenant, denied.KeyRing), Is.EqualTo(((string?)null, "main")));
    }

    [Test]
    public async Task The_platform_key_is_for_the_host_to_correct()
    {
        await using var platform = await PlatformHost.StartAsync();
        var observer = new RecordingObserver(platform.World.Time);
        platform.Restart(with: builder =>
        {
            platform.AddKey()(builder);
            builder.AddKeyObserver(observer);
        });
        platform.Key.Disable();
        var ring = await platform.GetAsync("platform");
        Assert.That(async () => await ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokServiceException>());
        platform.World.Time.Advance(Minute);

        var denied = await observer.NextAsync();
        Assert.That(
            (denied.Kind, denied.Tenant, denied.Owner, denied.KeyArn.ToString()),
            Is.EqualTo((ByokKeyEventKind.Denied, "platform", ByokKeyFindingOwner.Host, platform.Key.Arn)));
    }

    [Test]
    public async Task New_settings_that_work_are_the_end_of_a_denial()
    {
        _world.AccessKey.Active = false;
        await DenyAsync("acme", disable: false);
        await _observer.NextAsync();
        var key = _world.User.CreateAccessKey();
        var settings = _world.Settings("AccessKeys");
        settings.Credentials = ByokCredentialSettings.AccessKeys(key.AccessKeyId, key.SecretAccessKey);
        _host.Store["acme"] = settings;
        _host.Rings.Invalidate("acme");
        await (await _host.GetAsync("acme")).EncryptAsync(Plaintext);
        _world.Time.Advance(Minute);
        await _observer.NextAsync(2);

        Assert.That(_observer.Seen, Is.EqualTo(RecordingObserver.List("Denied CredentialsRejected", "Restored CredentialsRejected")));
    }

    [Test]
    public async Task New_settings_that_are_denied_as_well_are_not_reported_again()
    {
        await DenyAsync("acme");
        await _observer.NextAsync();
        _host.Rings.Invalidate("acme");
        await DenyAsync("acme");
        await DenyAsync("other");
        await _observer.NextAsync(2);

        Assert.That(_observer.Events.Select(one => one.Tenant), Is.EqualTo(RecordingObserver.List("acme", "other")));
    }

    [Test]
    public async Task A_ring_that_is_replaced_within_the_hold_time_reports_nothing()
    {
        var ring = await _host.GetAsync("acme");
        _world.Key.Disable();
        Assert.That(async () => await ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokKeyUnavailableException>());
        _host.Rings.Invalidate("acme");
        _world.Key.Enable();
        await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Minute);
        await DenyAsync("other");
        await _observer.NextAsync();

        Assert.That(_observer.Events.Select(one => one.Tenant), Is.EqualTo(RecordingObserver.List("other")));
    }

    [Test]
    public async Task An_idle_tenant_ends_without_an_event_and_a_usable_key_leaves_nothing()
    {
        await (await _host.GetAsync("other")).EncryptAsync(Plaintext);
        await DenyAsync("acme");
        await _observer.NextAsync();
        var before = Tracked;
        _world.Time.Advance(TimeSpan.FromHours(2));
        var evicted = (_host.InUse.Count(), Tracked);
        _world.Key.Enable();
        await (await _host.GetAsync("acme")).EncryptAsync(Plaintext);
        _world.Time.Advance(Minute);
        await _observer.NextAsync(2);

        Assert.That((before, evicted), Is.EqualTo((2, (0, 1))), "the denial that was reported is remembered");
        Assert.That(_observer.Seen, Is.EqualTo(RecordingObserver.List("Denied KeyDisabled", "Restored KeyDisabled")));
        _world.Time.Advance(TimeSpan.FromHours(2));
        Assert.That(Tracked, Is.Zero);
    }

    [Test]
    public async Task Only_a_thousand_reported_denials_without_a_ring_are_remembered()
    {
        var settings = _world.Settings("AccessKeys");
        _host.Store.Any = _ => settings;
        _world.Key.Disable();
        for (var i = 0; i < 1_010; i++)
        {
            var ring = await _host.GetAsync($"tenant{i}");
            Assert.That(async () => await ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokKeyUnavailableException>());
        }

        _world.Time.Advance(Minute);
        await _observer.NextAsync(1_000);
        var all = Tracked;
        _world.Time.Advance(TimeSpan.FromHours(2));

        Assert.That((all, Tracked), Is.EqualTo((1_010, 1_000)));
    }

    [Test]
    public async Task A_tenant_whose_settings_change_often_does_not_take_the_place_of_another()
    {
        await DenyAsync("acme");
        await DenyAsync("other");
        await _observer.NextAsync(2);
        _host.Rings.Invalidate("acme");
        for (var i = 0; i < 1_001; i++)
        {
            _host.Rings.Invalidate("other");
            await _host.GetAsync("other");
        }

        Assert.That(Tracked, Is.EqualTo(2));
        _world.Key.Enable();
        await (await _host.GetAsync("acme")).EncryptAsync(Plaintext);
        _world.Time.Advance(Minute);
        await _observer.NextAsync(3);
        Assert.That((_observer.Events[2].Kind, _observer.Events[2].Tenant), Is.EqualTo((ByokKeyEventKind.Restored, "acme")));
    }

    [Test]
    public async Task An_observer_may_need_a_ring_itself()
    {
        var services = _world.Services(KeyUseWorld.Configure);
        services.AddScalrByok().AddTenantKeyRings<TenantStore>().AddKeyObserver<RingUser>();
        var provider = _world.Build(services);
        ((TenantStore)provider.GetRequiredService<IByokKeySettingsStore>())["acme"] = _world.Settings("AccessKeys");
        var ring = await provider.GetRequiredService<IByokKeyRingProvider>().GetKeyRingAsync("acme");
        _world.Key.Disable();
        Assert.That(async () => await ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokKeyUnavailableException>());
        _world.Time.Advance(Minute);

        var user = provider.GetRequiredService<RingUser>();
        await ByokWorld.UntilAsync(() => user.Seen is not null, "the observer was not called");
        Assert.That(user.Seen!.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
    }

    private async Task DenyAsync(string tenant, bool disable = true)
    {
        if (disable)
        {
            _world.Key.Disable();
        }

        var ring = await _host.GetAsync(tenant);
        Assert.That(async () => await ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokKeyUnavailableException>());
        _world.Time.Advance(Minute);
    }

    /// <summary>An observer that invalidates the tenant's ring, as hosts may do.</summary>
    public sealed class RingUser(IByokKeyRingProvider rings) : IByokKeyObserver
    {
        public IByokKeyRing? Seen { get; private set; }

        public async Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) =>
            Seen = await rings.GetKeyRingAsync(keyEvent.Tenant!, cancellationToken);
    }
}
