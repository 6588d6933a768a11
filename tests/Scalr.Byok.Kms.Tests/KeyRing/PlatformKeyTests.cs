using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Tenants without a key of their own are encrypted under the host's key, if the store says so, and only then.</summary>
[CancelAfter(120_000)]
internal sealed class PlatformKeyTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private PlatformHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await PlatformHost.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task A_tenant_whose_store_says_Platform_uses_the_hosts_key_with_the_hosts_identity()
    {
        var ring = await _host.GetAsync("platform");

        var message = await ring.EncryptAsync(Plaintext);

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_host.Key.Arn));
        Assert.That(ByokMessage.Read(message).KeyArns.Single().ToString(), Is.EqualTo(_host.Key.Arn));
        Assert.That(ByokMessage.Read(message).EncryptionContext["scalr:tenant"], Is.EqualTo("platform"));
        var host = _host.World.HostUser.Arn;
        Assert.That(_host.Requests, Is.EqualTo([(host, "Encrypt", _host.Key.Arn), (host, "Decrypt", _host.Key.Arn)]), "no role is assumed");
    }

    [Test]
    public async Task Settings_from_code_and_replicas_serve_too()
    {
        _host.Key.Replicate("us-east-2");
        _host.Restart(with: byok => byok.AddPlatformKey(key =>
        {
            key.KeyArn = _host.Key.Arn;
            key.Credentials = ByokCredentialSettings.Host();
            key.ReplicaRegions = ["us-east-2"];
        }));
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        _host.World.Aws.Faults.Add(LocalAws.Fault.Error("KMSInternalException", 500) with { Key = _host.Key.Arn });

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext), "the replica answers");
    }

    [Test]
    public async Task Messages_and_data_keys_of_one_tenant_do_not_open_for_another_although_they_share_the_key()
    {
        var (ring, other) = (await _host.GetAsync("platform"), await _host.GetAsync("other"));
        var message = await ring.EncryptAsync(Plaintext);
        using var key = await ring.CreateDataKeyAsync();
        var claimed = new Dictionary<string, string> { ["scalr:tenant"] = "platform" };
        _host.World.Aws.Log.Clear();

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await other.DecryptAsync(message));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await other.DecryptAsync(message, claimed));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await other.OpenDataKeyAsync(key.EncryptedKey));

        Assert.That(_host.Requests, Is.Empty);
    }

    [Test]
    public async Task Nothing_falls_back_to_it()
    {
        var failure = new TimeoutException("the database");
        _host.Store.Answers["broken"] = _ => throw failure;
        _host.Store.Answers["null"] = _ => Task.FromResult<ByokKeySettings?>(null);
        _host.Store["empty"] = new ByokKeySettings();
        var acme = await _host.GetAsync("acme");
        var message = await acme.EncryptAsync(Plaintext);
        _host.World.Key.Disable();

        await Assert.ThrowsAsync<ByokTenantNotFoundException>(async () => await _host.GetAsync("unknown"));
        await Assert.ThrowsAsync<ByokTenantNotFoundException>(async () => await _host.GetAsync("null"));
        Assert.That(await Assert.ThrowsAsync<TimeoutException>(async () => await _host.GetAsync("broken")), Is.SameAs(failure));
        await InvalidAsync("empty");
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await acme.EncryptAsync(Plaintext));
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await acme.DecryptAsync(message));
        _host.World.AccessKey.Active = false;
        _host.World.Time.Advance(TimeSpan.FromMinutes(2)); // so that the store is read again
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await acme.EncryptAsync(Plaintext));

        Assert.That(_host.Requests.Select(request => request.Key), Has.None.EqualTo(_host.Key.Arn));
        Assert.That(_host.Requests.Select(request => request.Principal), Has.None.EqualTo(_host.World.HostUser.Arn));
    }

    [TestCase("Host")]
    [TestCase("host")]
    public async Task The_type_Host_in_a_stores_settings_is_refused(string type)
    {
        ByokCredentialSettings Credentials() => new() { Type = type };
        var other = _host.World.Customer.CreateKey(ByokWorld.Region);
        var current = new ByokKeySettings { KeyArn = _host.World.Key.Arn, Credentials = Credentials() };
        _host.Store["current"] = current;
        _host.Store["stored"] = ByokKeySettingsJson.Deserialize(ByokKeySettingsJson.Serialize(current, s => s), s => s);
        var previous = _host.World.Settings("AccessKeys");
        previous.PreviousKeys = [new() { KeyArn = other.Arn, Credentials = Credentials() }];
        _host.Store["previous"] = previous;
        const string Refused = "Credentials:Type is Host, the host's own AWS identity, which only AddPlatformKey accepts; it is one of "
            + "AccessKeys, AssumeRole, Oidc. A tenant uses the platform key if its store returns ByokKeySettings.Platform.";

        Assert.That(await InvalidAsync("current"), Is.EqualTo((string[])[$"Key ring: {Refused}"]));
        Assert.That(await InvalidAsync("stored"), Is.EqualTo((string[])[$"Key ring: {Refused}"]));
        Assert.That(await InvalidAsync("previous"), Is.EqualTo((string[])[$"Key ring: PreviousKeys:0:{Refused}"]));
        Assert.That(_host.Requests, Is.Empty);
    }

    [Test]
    public async Task A_form_that_types_Host_fails_the_verification_and_nothing_is_sent()
    {
        var verifier = _host.Tenants.Services.GetRequiredService<IByokVerifier>();
        var typed = _host.World.Settings("AccessKeys");
        typed.Credentials = ByokCredentialSettings.Host();

        var verification = await verifier.VerifyAsync(typed, "mallory");

        Assert.That(verification.Succeeded, Is.False);
        var step = verification.Steps.Single(one => one.Outcome == ByokVerificationOutcome.Failed);
        Assert.That(step.Check, Is.EqualTo(ByokVerificationCheck.Settings));
        Assert.That(step.Message, Does.StartWith("Credentials:Type is Host, the host's own AWS identity, which only AddPlatformKey"));
        Assert.That(_host.Requests, Is.Empty);
    }

    [Test]
    public void The_type_Host_in_a_live_change_keeps_the_old_settings()
    {
        var live = new LiveHost(_host.World, _host.World.Settings("AccessKeys"), with: _host.AddKey());
        var inner = live.Inner;

        live.Change(("Credentials:AccessKeyId", null), ("Credentials:SecretAccessKey", null), ("Credentials:Type", "Host"));

        Assert.That(live.Inner, Is.SameAs(inner));
        Assert.That(
            _host.World.Logs.Entries,
            Has.One.Contains("Customers:Acme:Credentials:Type is Host, the host's own AWS identity, which only AddPlatformKey accepts"));
    }

    [Test]
    public async Task A_customer_that_names_the_platform_key_is_refused_whatever_the_options_allow()
    {
        var old = _host.World.Aws.Account(ByokWorld.HostAccount).CreateKey(ByokWorld.Region);
        _host.Restart(
            options => (options.AllowHostAccount, options.AllowSharedKeys) = (true, true),
            _host.AddKey(("PreviousKeys:0:KeyArn", old.Arn), ("PreviousKeys:0:Credentials:Type", "Host")));
        var settings = _host.World.Settings("AccessKeys");
        settings.PreviousKeys = [new() { KeyArn = old.Arn, Credentials = settings.Credentials }];
        _host.Store["previous"] = settings;
        _host.Store["current"] = new ByokKeySettings { KeyArn = _host.Key.Arn, Credentials = settings.Credentials };
        _host.Store["replica"] = new ByokKeySettings
        {
            KeyArn = KmsKeyArn.Parse(_host.Key.Arn).InRegion("us-east-2").ToString(),
            Credentials = settings.Credentials,
        };
        const string Refused = "KeyArn is the host's platform key. Give a key of the customer. A tenant uses the platform key if its store "
            + "returns ByokKeySettings.Platform.";

        Assert.That(await InvalidAsync("current"), Is.EqualTo((string[])[$"Key ring: {Refused}"]));
        Assert.That(await InvalidAsync("replica"), Is.EqualTo((string[])[$"Key ring: {Refused}"]));
        Assert.That(await InvalidAsync("previous"), Is.EqualTo((string[])[$"Key ring: PreviousKeys:0:{Refused}"]));
        Assert.That(_host.Requests, Is.Empty);
    }

    [Test]
    public async Task Another_key_of_the_hosts_account_is_refused_as_before()
    {
        var settings = _host.World.Settings("AccessKeys");
        settings.KeyArn = _host.World.Aws.Account(ByokWorld.HostAccount).CreateKey(ByokWorld.Region).Arn;
        _host.Store["mallory"] = settings;

        var failure = (await InvalidAsync("mallory")).Single();

        Assert.That(failure, Does.StartWith($"Key ring: KeyArn is in account {ByokWorld.HostAccount}, which is HostAccountId"));
    }

    [Test]
    public async Task A_tenant_that_has_registered_the_platform_key_keeps_no_one_from_it()
    {
        _host.Store.Register("mallory", new ByokKeySettings { KeyArn = _host.Key.Arn });

        Assert.That(await (await _host.GetAsync("platform")).EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(_host.Store.LookedUp, Is.Empty);
    }

    [Test]
    public async Task The_host_changes_its_key()
    {
        var message = await (await _host.GetAsync("platform")).EncryptAsync(Plaintext);
        var next = _host.World.Aws.Account(ByokWorld.HostAccount).CreateKey("us-west-2");

        _host.Restart(with: _host.AddKey(
            ("KeyArn", next.Arn), ("PreviousKeys:0:KeyArn", _host.Key.Arn), ("PreviousKeys:0:Credentials:Type", "Host")));
        var ring = await _host.GetAsync("platform");

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(ByokMessage.Read(await ring.EncryptAsync(Plaintext)).KeyArns.Single().ToString(), Is.EqualTo(next.Arn));
    }

    [Test]
    public async Task A_hundred_tenants_cost_a_request_each_and_no_session()
    {
        _host.Restart(options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        _host.Store.Any = _ => ByokKeySettings.Platform;

        for (var i = 0; i < 100; i++)
        {
            var ring = await _host.GetAsync($"tenant-{i}");
            for (var message = 0; message < 3; message++)
            {
                await ring.EncryptAsync(Plaintext);
            }
        }

        var operations = _host.Requests.GroupBy(request => request.Operation).Select(group => (group.Key, group.Count()));
        Assert.That(operations, Is.EqualTo([("Encrypt", 100)]), "no session, and one data key for each tenant");
        _host.World.Time.Advance(TimeSpan.FromMinutes(30));
        Assert.That(_host.Requests.Count(), Is.EqualTo(100), "idle tenants cost nothing");
    }

    [Test]
    public async Task Without_AddPlatformKey_the_error_says_what_to_call()
    {
        _host.Restart(with: _ => { });
        var moved = _host.World.Settings("AccessKeys");
        moved.PreviousKeys = [ByokPreviousKeySettings.Platform];
        _host.Store["moved"] = moved;
        const string Call = "but the host has no platform key. Call AddPlatformKey(configuration.GetSection(\"Platform\")) after "
            + "AddScalrByok.";

        Assert.That(
            await InvalidAsync("platform"), Is.EqualTo((string[])[$"Key ring: the store returned ByokKeySettings.Platform, {Call}"]));
        Assert.That(
            await InvalidAsync("moved"),
            Is.EqualTo((string[])[$"Key ring: PreviousKeys:0: the store returned ByokPreviousKeySettings.Platform, {Call}"]));
        Assert.That(await (await _host.GetAsync("acme")).EncryptAsync(Plaintext), Is.Not.Empty, "other tenants are served");
    }

    [Test]
    public async Task Platform_together_with_a_key_is_refused()
    {
        var both = ByokKeySettings.Platform;
        (both.KeyArn, both.Credentials) = (_host.World.Key.Arn, _host.World.Settings("AccessKeys").Credentials);
        var twice = ByokKeySettings.Platform;
        var previous = ByokPreviousKeySettings.Platform;
        previous.KeyArn = _host.World.Key.Arn;
        twice.PreviousKeys = [ByokPreviousKeySettings.Platform];
        (_host.Store["both"], _host.Store["twice"]) = (both, twice);
        var named = _host.World.Settings("AccessKeys");
        named.PreviousKeys = [previous];
        _host.Store["named"] = named;

        Assert.That((await InvalidAsync("both")).Single(), Does.Contain("but KeyArn, Credentials or ReplicaRegions are set too."));
        Assert.That(
            await InvalidAsync("twice"),
            Is.EqualTo((string[])["Key ring: PreviousKeys:0: the platform key is a key that this key ring has already."]));
        Assert.That((await InvalidAsync("named")).Single(), Does.Contain("PreviousKeys:0: ").And.Contain("are set too."));
    }

    [Test]
    public void A_ring_of_AddKeyRing_cannot_use_it_because_it_would_open_the_messages_of_all_tenants()
    {
        var settings = _host.World.Settings("AccessKeys");
        _host.Restart(with: byok =>
        {
            _host.AddKey()(byok);
            byok.AddKeyRing("all", ring =>
            {
                (ring.KeyArn, ring.Credentials) = (settings.KeyArn, settings.Credentials);
                ring.PreviousKeys = [ByokPreviousKeySettings.Platform];
            });
        });

        var thrown = Assert.Throws<Microsoft.Extensions.Options.OptionsValidationException>(
            () => _host.Tenants.Services.GetRequiredKeyedService<IByokKeyRing>("all"));

        Assert.That(
            thrown!.Failures,
            Is.EqualTo((string[])["Key ring 'all': PreviousKeys:0: ByokPreviousKeySettings.Platform is for settings that the store of "
                + "AddTenantKeyRings returns, because it opens messages of a tenant only."]));
    }

    private async Task<IEnumerable<string>> InvalidAsync(string tenant) =>
        (await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(async () => await _host.GetAsync(tenant)))!
            .Failures;
}
