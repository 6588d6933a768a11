using Amazon.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A tenant brings its own key after it used the platform key, or leaves its own key for it.</summary>
[CancelAfter(120_000)]
internal sealed class PlatformMoveTests
{
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private PlatformHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await PlatformHost.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task A_tenant_brings_its_key_and_reads_what_is_under_the_platform_key(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        var foreign = await (await _host.GetAsync("other")).EncryptAsync(Plaintext);
        byte[] encryptedKey, value;
        using (var key = await ring.CreateDataKeyAsync())
        {
            (encryptedKey, value) = (key.EncryptedKey.ToArray(), key.EncryptText("value"));
        }

        var brought = _host.World.Settings(type);
        brought.PreviousKeys = [ByokPreviousKeySettings.Platform];
        _host.Store["platform"] = brought;
        _host.Tenants.Rings.Invalidate("platform");

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext), "the handle that the caller kept");
        using (var key = await ring.OpenDataKeyAsync(encryptedKey))
        {
            Assert.That(key.DecryptText(value), Is.EqualTo("value"));
        }

        var moved = await ring.EncryptAsync(await ring.DecryptAsync(message));
        Assert.That(ByokMessage.Read(moved).KeyArns.Single().ToString(), Is.EqualTo(_host.World.Key.Arn));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(foreign), "another tenant's");
    }

    [Test]
    public async Task Without_the_platform_key_among_its_previous_keys_it_does_not_read_them()
    {
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        _host.Store["platform"] = _host.World.Settings("AccessKeys");
        _host.Tenants.Rings.Invalidate("platform");
        _host.World.Aws.Log.Clear();

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message));

        Assert.That(_host.Requests, Is.Empty);
    }

    [Test]
    public async Task The_previous_keys_of_the_platform_section_come_along()
    {
        var message = await (await _host.GetAsync("platform")).EncryptAsync(Plaintext);
        var next = _host.World.Aws.Account(ByokWorld.HostAccount).CreateKey("us-west-2");
        _host.Restart(with: _host.AddKey(
            ("KeyArn", next.Arn), ("PreviousKeys:0:KeyArn", _host.Key.Arn), ("PreviousKeys:0:Credentials:Type", "Host")));
        var newer = await (await _host.GetAsync("platform")).EncryptAsync(Plaintext);
        var brought = _host.World.Settings("AccessKeys");
        brought.PreviousKeys = [ByokPreviousKeySettings.Platform];
        _host.Store["platform"] = brought;
        _host.Tenants.Rings.Invalidate("platform");

        var ring = await _host.GetAsync("platform");

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(await ring.DecryptAsync(newer), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_tenant_leaves_its_key_for_the_platform_key()
    {
        var ring = await _host.GetAsync("acme");
        var message = await ring.EncryptAsync(Plaintext);
        var own = _host.World.Settings("AccessKeys");
        var leaving = ByokKeySettings.Platform;
        leaving.PreviousKeys = [new() { KeyArn = own.KeyArn, Credentials = own.Credentials }];
        _host.Store["acme"] = leaving;
        _host.Tenants.Rings.Invalidate("acme");

        var moved = await ring.EncryptAsync(await ring.DecryptAsync(message));

        Assert.That(ByokMessage.Read(moved).KeyArns.Single().ToString(), Is.EqualTo(_host.Key.Arn));
        _host.World.Key.Disable();
        var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));
        Assert.That(denial!.KeyArn.ToString(), Is.EqualTo(_host.World.Key.Arn), "the customer's key is the customer's to correct");
        Assert.That(await ring.DecryptAsync(moved), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_denied_platform_key_among_the_previous_keys_is_the_hosts_fault_and_leaves_the_tenants_key_alone()
    {
        var ring = await _host.GetAsync("platform");
        var message = await ring.EncryptAsync(Plaintext);
        var brought = _host.World.Settings("AccessKeys");
        brought.PreviousKeys = [ByokPreviousKeySettings.Platform];
        _host.Store["platform"] = brought;
        _host.Tenants.Rings.Invalidate("platform");
        _host.Key.Disable();

        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.DecryptAsync(message));

        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task Credentials_of_a_customer_are_made_for_the_customers_keys_alone()
    {
        _host.Restart(with: byok =>
        {
            _host.AddKey()(byok);
            byok.AddCredentialStrategy<Recording>();
        });
        var own = _host.World.Settings("AccessKeys");
        own.Credentials.Type = "Recording";
        own.PreviousKeys = [ByokPreviousKeySettings.Platform];
        var leaving = ByokKeySettings.Platform;
        leaving.PreviousKeys = [new() { KeyArn = own.KeyArn, Credentials = own.Credentials }];
        (_host.Store["own"], _host.Store["leaving"]) = (own, leaving);

        await _host.GetAsync("own");
        await _host.GetAsync("leaving");

        var recording = _host.Tenants.Services.GetServices<IByokCredentialStrategy>().OfType<Recording>().Single();
        Assert.That(recording.Keys, Is.EqualTo((string[])[_host.World.Key.Arn, _host.World.Key.Arn]));
    }

    [Test]
    public async Task The_verification_leaves_the_platform_key_out()
    {
        var verifier = _host.Tenants.Services.GetRequiredService<IByokVerifier>();
        var brought = _host.World.Settings("AccessKeys");
        brought.PreviousKeys = [ByokPreviousKeySettings.Platform];

        var verification = await verifier.VerifyAsync(brought, "platform");

        Assert.That(verification.Succeeded, Is.True);
        Assert.That(verification.Steps.Select(step => step.Check), Has.None.EqualTo(ByokVerificationCheck.PreviousKey));
        Assert.That(_host.Requests.Select(request => request.Key), Has.None.EqualTo(_host.Key.Arn));
        await Assert.ThrowsAsync<ArgumentException>(async () => await verifier.VerifyAsync(ByokKeySettings.Platform, "platform"));
    }

    private sealed class Recording : IByokCredentialStrategy
    {
        public string Type => "Recording";

        public List<string> Keys { get; } = [];

        public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

        public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
        {
            Keys.AddRange(context.KeyArns.Select(arn => arn.ToString()));
            return new BasicAWSCredentials(credentials.AccessKeyId, credentials.SecretAccessKey);
        }
    }
}
