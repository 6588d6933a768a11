using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>Token files: which ring a file serves, and what the library makes of a file that is not as it should be.</summary>
internal sealed class TokenFileTests
{
    private ByokWorld _world = null!;
    private string _file = null!;

    public static IEnumerable<TestCaseData> Encodings() =>
    [
        new TestCaseData(Encoding.UTF8, "").SetArgDisplayNames("UTF-8 with a byte order mark"),
        new TestCaseData(Encoding.Unicode, "\r\n").SetArgDisplayNames("UTF-16, as PowerShell writes it"),
        new TestCaseData(Encoding.BigEndianUnicode, "").SetArgDisplayNames("UTF-16, big-endian"),
        new TestCaseData(new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), " \t\r\n").SetArgDisplayNames("white space"),
    ];

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _file = Path.Combine(Path.GetTempPath(), $"byok-token-{Guid.NewGuid():N}.jwt");
        await WriteAsync(Good());
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _world.DisposeAsync();
        File.Delete(_file);
    }

    [TestCaseSource(nameof(Encodings))]
    public async Task A_byte_order_mark_and_white_space_are_ignored(Encoding encoding, string around)
    {
        await File.WriteAllTextAsync(_file, around + Good() + around, encoding);

        Assert.That(await EncryptAsync(Ring()), Is.Not.Empty);
    }

    [Test]
    public async Task A_file_that_is_being_written_is_read_again()
    {
        var token = Good();
        await WriteAsync(token[..^100]);
        var call = Ring().EncryptAsync(new byte[1]).AsTask();
        await ByokWorld.UntilAsync(() => _world.Clock.Pauses > 0, "the file was not read a first time");
        await WriteAsync(token);

        Assert.That(await _world.PassPausesAsync(call), Is.Not.Empty);
    }

    [TestCase(0, "has no token")]
    [TestCase(3, "has no token")]
    [TestCase(50, "has a text that is not a complete JSON Web Token")]
    [TestCase(-100, "has a text that is not a complete JSON Web Token")]
    [TestCase(-1, "has a text that is not a complete JSON Web Token")]
    public async Task A_file_that_stays_incomplete_is_the_hosts_fault_and_may_pass(int length, string complaint)
    {
        var token = Good();
        await WriteAsync(token[..(length < 0 ? token.Length + length : length)]);

        var thrown = await HostFailsAsync(Ring());

        Assert.That((thrown.IsTransient, thrown.Message), Is.EqualTo(
            (
                true,
                $"The host's OIDC token file {complaint}. Nothing was sent to AWS; the host's operator should check the file.")));
    }

    [Test]
    public async Task A_token_that_has_expired_is_the_hosts_fault()
    {
        await WriteAsync(_world.Token(ByokWorld.Audience, ByokWorld.Subject, TimeSpan.FromMinutes(-6)));

        var thrown = await HostFailsAsync(Ring());

        Assert.That(thrown.IsTransient, Is.False);
        Assert.That(
            thrown.Message,
            Does.Match(@"token file has a token that expired at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Nothing was sent to AWS"));
    }

    [Test]
    public async Task A_token_that_AWS_finds_expired_is_the_hosts_fault_too()
    {
        // this machine's clock may be ahead
        await WriteAsync(_world.Token(ByokWorld.Audience, ByokWorld.Subject, TimeSpan.FromMinutes(-4)));

        var thrown = await HostFailsAsync(Ring(), requests: 2);

        Assert.That((thrown.IsTransient, thrown.Operation), Is.EqualTo((false, "sts:AssumeRoleWithWebIdentity")));
        Assert.That(thrown.Message, Does.StartWith("The host's OIDC token was rejected by AWS STS (ExpiredTokenException)"));
    }

    [Test]
    public async Task A_file_serves_the_one_ring_of_AddKeyRing_that_uses_Oidc()
    {
        var provider = Build(builder => builder.AddOidcTokenFile(_file).AddKeyRing("acme", Oidc).AddKeyRing("static", AccessKeys));

        Assert.That(StartErrors(provider), Is.Empty);
        Assert.That(await EncryptAsync(Keyed(provider, "acme")), Is.Not.Empty);
    }

    [Test]
    public async Task Two_rings_on_one_file_are_refused_at_start_and_by_each_call()
    {
        var provider = Build(builder => builder.AddOidcTokenFile(_file).AddKeyRing(Oidc).AddKeyRing("umbrella", Oidc));
        const string Error =
            "Credentials:Type is Oidc, but the host has one token file for more than one key ring of type Oidc. A token file has one "
            + "subject, so it serves one "
                + "key ring. Give each key ring a file of its own: AddOidcTokenFile(path, \"acme\").";

        Assert.That(StartErrors(provider), Is.EquivalentTo((string[])[$"Key ring: {Error}", $"Key ring 'umbrella': {Error}"]));
        foreach (var ring in (IByokKeyRing[])[provider.GetRequiredService<IByokKeyRing>(), Keyed(provider, "umbrella")])
        {
            await HostFailsAsync(ring);
        }
    }

    [Test]
    public void A_ring_whose_previous_key_uses_Oidc_counts_too()
    {
        var provider = Build(builder => builder.AddOidcTokenFile(_file).AddKeyRing(Oidc).AddKeyRing("umbrella", settings =>
        {
            AccessKeys(settings);
            settings.PreviousKeys =
                [new() { KeyArn = _world.Customer.CreateKey("us-west-2").Arn, Credentials = _world.Settings("Oidc").Credentials }];
        }));

        Assert.That(
            StartErrors(provider), Has.Exactly(2).Contains("the host has one token file for more than one key ring of type Oidc"));
    }

    [Test]
    public async Task A_ring_without_a_file_is_refused_at_start()
    {
        var provider = Build(builder => builder.AddOidcTokenFile(_file, "acme").AddKeyRing("acme", Oidc).AddKeyRing("umbrella", Oidc));

        Assert.That(
            StartErrors(provider).Single(),
            Does.StartWith("Key ring 'umbrella': Credentials:Type is Oidc, but the host has no token file for this key ring. "));
        Assert.That(await EncryptAsync(Keyed(provider, "acme")), Is.Not.Empty);
        await HostFailsAsync(Keyed(provider, "umbrella"));
    }

    [Test]
    public async Task A_file_serves_the_tenant_that_the_host_names_and_no_other([Values] bool isNamed)
    {
        var host = Tenants(builder => _ = isNamed ? builder.AddOidcTokenFile(_file, "acme") : builder.AddOidcTokenFile(_file));
        var verifier = host.Services.GetRequiredService<IByokVerifier>();

        foreach (var tenant in (string?[])["acme", "umbrella", null])
        {
            var isServed = isNamed && tenant == "acme";
            var verification = await verifier.VerifyAsync(_world.Settings("Oidc"), tenant);
            Assert.That(verification.Succeeded, Is.EqualTo(isServed), $"{tenant}: {verification}");
            if (isServed)
            {
                Assert.That(await EncryptAsync(await host.GetAsync(tenant!)), Is.Not.Empty);
                _world.Aws.Log.Clear();
            }
            else if (tenant is not null)
            {
                Assert.That((await HostFailsAsync(await host.GetAsync(tenant))).Message, Does.Contain("has no token file for this tenant"));
            }
        }
    }

    [Test]
    public async Task A_file_of_a_tenant_is_found_by_its_canonical_name()
    {
        var host = Tenants(
            builder => builder.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase).AddOidcTokenFile(_file, "ACME"));

        Assert.That(await EncryptAsync(await host.GetAsync("Acme")), Is.Not.Empty);
    }

    [Test]
    public async Task A_file_of_a_ring_does_not_serve_a_tenant_of_the_same_name()
    {
        var host = Tenants(builder => builder.AddOidcTokenFile(_file, "acme").AddKeyRing("acme", Oidc));

        await HostFailsAsync(await host.GetAsync("acme"));
        Assert.That(await EncryptAsync(host.Services.GetRequiredKeyedService<IByokKeyRing>("acme")), Is.Not.Empty);
    }

    [Test]
    public async Task A_shared_file_serves_all()
    {
        var host = Tenants(builder => builder.AddSharedOidcTokenFile(_file).AddKeyRing("payments", Oidc).AddKeyRing(Oidc));

        Assert.That(StartErrors(host.Services), Is.Empty);
        foreach (var ring in (IByokKeyRing[])
            [
                await host.GetAsync("acme"),
                await host.GetAsync("umbrella"),
                Keyed(host.Services, "payments"),
                host.Services.GetRequiredService<IByokKeyRing>(),
            ])
        {
            Assert.That(await EncryptAsync(ring), Is.Not.Empty);
        }
    }

    [Test]
    public void A_file_is_added_once()
    {
        var builder = new ServiceCollection().AddScalrByok().AddOidcTokenFile("one").AddOidcTokenFile("two", "acme");

        Assert.That(
            () => builder.AddOidcTokenFile("three"),
            Throws.InvalidOperationException.With.Message.StartsWith("A token file without a tenant was added before."));
        Assert.That(
            () => builder.AddOidcTokenFile("three", "acme"),
            Throws.InvalidOperationException.With.Message.EqualTo("A token file for 'acme' was added before."));
        Assert.That(
            () => builder.AddOidcTokenFile("./two", "umbrella"),
            Throws.InvalidOperationException.With.Message.StartsWith("The token file was added before for another key ring."));
    }

    [Test]
    public async Task An_issuer_that_is_added_later_takes_the_place_of_files()
    {
        var provider = Build(builder => builder.AddOidcTokenFile("no-such-file")
            .AddOidcTokens((request, _) => new(_world.Token(request.Audience, ByokWorld.Subject))).AddKeyRing(Oidc));

        Assert.That(StartErrors(provider), Is.Empty);
        Assert.That(await EncryptAsync(provider.GetRequiredService<IByokKeyRing>()), Is.Not.Empty);
    }

    private static IByokKeyRing Keyed(IServiceProvider provider, string name) => provider.GetRequiredKeyedService<IByokKeyRing>(name);

    private static IEnumerable<string> StartErrors(IServiceProvider provider)
    {
        try
        {
            provider.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (OptionsValidationException e)
        {
            return e.Failures;
        }
    }

    private string Good() => _world.Token(ByokWorld.Audience, ByokWorld.Subject);

    private Task WriteAsync(string text) => File.WriteAllTextAsync(_file, text);

    private void Oidc(ByokKeySettings settings) =>
        (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings("Oidc").Credentials);

    private void AccessKeys(ByokKeySettings settings) =>
        (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials);

    private IByokKeyRing Ring() => Build(builder => builder.AddOidcTokenFile(_file).AddKeyRing(Oidc)).GetRequiredService<IByokKeyRing>();

    private ServiceProvider Build(Action<IByokBuilder> add)
    {
        var services = _world.Services();
        add(services.AddScalrByok());
        return _world.Build(services);
    }

    private TenantHost Tenants(Action<IByokBuilder> add)
    {
        var host = new TenantHost(_world, with: add);
        host.Store["acme"] = host.Store["umbrella"] = _world.Settings("Oidc");
        return host;
    }

    private Task<byte[]> EncryptAsync(IByokKeyRing ring) => _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask());

    /// <summary>The call fails for the host's fault, and health says so.</summary>
    private async Task<ByokServiceException> HostFailsAsync(IByokKeyRing ring, int requests = 0)
    {
        var before = _world.Aws.Log.Requests.Count;
        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => EncryptAsync(ring));
        var health = await _world.PassPausesAsync(ring.ProbeAsync());

        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Unhealthy, default(ByokKeyUnavailableReason?))));
        Assert.That(
            (health.Findings[0].Code, health.Findings[0].Owner), Is.EqualTo((ByokKeyFindingCode.HostAtFault, ByokKeyFindingOwner.Host)));
        Assert.That(_world.Aws.Log.Requests.Count - before, Is.EqualTo(requests));
        return thrown!;
    }
}
