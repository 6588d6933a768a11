using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>What a host brings of its own (strategies, tokens, its AWS identity), end to end over the wire.</summary>
internal sealed class HostTests
{
    private ByokWorld _world = null!;
    private string _file = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _file = Path.Combine(TestContext.CurrentContext.WorkDirectory, Path.GetRandomFileName());
    }

    [TearDown]
    public async Task StopAsync()
    {
        File.Delete(_file);
        await _world.DisposeAsync();
    }

    [Test]
    public async Task A_strategy_of_the_host_is_used()
    {
        var services = WithVault("Vault");
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, new() { Type = "vault", Audience = "acme" }));
        await using var provider = services.BuildServiceProvider();

        await RoundTripAsync(provider.GetRequiredService<IByokKeyRing>());

        Assert.That(_world.Aws.Log.Requests.Select(r => r.Principal), Is.All.EqualTo(_world.User.Arn));
    }

    [Test]
    public async Task A_strategy_of_the_host_takes_the_place_of_a_built_in_one()
    {
        var services = WithVault(ByokCredentialSettings.OidcType);
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, new() { Type = "Oidc", Audience = "acme" }));
        await using var provider = services.BuildServiceProvider();

        await RoundTripAsync(provider.GetRequiredService<IByokKeyRing>());

        Assert.That(_world.Aws.Log.Requests.Select(r => r.Service), Is.All.EqualTo("kms"), "no role was assumed");
    }

    [Test]
    public async Task A_strategy_of_the_host_complains_like_a_built_in_one()
    {
        var services = WithVault("Vault");
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, new() { Type = "Vault" })).AddKeyRing(
            "other", s => s.KeyArn = _world.Key.Arn);
        await using var provider = services.BuildServiceProvider();

        Assert.That(() => provider.GetRequiredService<IByokKeyRing>(), Throws.TypeOf<OptionsValidationException>()
            .With.Message.EqualTo("Key ring: Credentials:Audience is missing; it names the entry in the vault."));
        Assert.That(() => provider.GetRequiredKeyedService<IByokKeyRing>("other"), Throws.TypeOf<OptionsValidationException>()
            .With.Message.EqualTo("Key ring 'other': Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc, Vault."));
    }

    [Test]
    public async Task Tokens_come_from_a_type_of_the_host()
    {
        var services = _world.Services();
        services.AddSingleton(_world);
        services.AddScalrByok().AddOidcTokens<CountingTokens>().AddKeyRing(Oidc);
        await using var provider = services.BuildServiceProvider();

        await RoundTripAsync(provider.GetRequiredService<IByokKeyRing>());

        var tokens = provider.GetServices<IOidcTokenProvider>().Single();
        Assert.That(((CountingTokens)tokens).Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task Tokens_come_from_a_delegate()
    {
        var asked = new List<string>();
        var services = _world.Services();
        services.AddScalrByok().AddOidcTokens((request, _) =>
        {
            asked.Add(request.Audience);
            return new(_world.Token(request.Audience, ByokWorld.Subject));
        }).AddKeyRing(Oidc);
        await using var provider = services.BuildServiceProvider();

        await RoundTripAsync(provider.GetRequiredService<IByokKeyRing>());

        Assert.That(asked.Single(), Is.EqualTo(ByokWorld.Audience));
    }

    [Test]
    public async Task Tokens_in_a_file_are_read_anew_for_each_session()
    {
        var ring = FileRing();
        await File.WriteAllTextAsync(_file, _world.Token(ByokWorld.Audience, ByokWorld.Subject) + "\n");
        await RoundTripAsync(ring);

        // By now the first token has expired, too: only the new one can begin the second session.
        _world.Time.Advance(TimeSpan.FromMinutes(61));
        await File.WriteAllTextAsync(_file, _world.Token(ByokWorld.Audience, ByokWorld.Subject) + "\n");
        await RoundTripAsync(ring);

        Assert.That(_world.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_token_file_that_is_missing_does_not_blame_the_customer()
    {
        var ring = FileRing();

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask()));

        Assert.That(thrown!.Message, Is.EqualTo(
            "The host's OIDC token file could not be read (FileNotFoundException). Nothing was sent to AWS; the host's operator should "
            + "check the file."));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);

        await File.WriteAllTextAsync(_file, _world.Token(ByokWorld.Audience, ByokWorld.Subject));
        await RoundTripAsync(ring);
    }

    [TestCase("", "has no token")]
    [TestCase(" \n", "has no token")]
    [TestCase("20001", "has more than 20000 characters, the most AWS STS takes")]
    public async Task A_token_file_that_holds_no_token_does_not_blame_the_customer(string content, string words)
    {
        await File.WriteAllTextAsync(_file, content == "20001" ? new string('t', 20_001) : content);

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(
            () => _world.PassPausesAsync(FileRing().EncryptAsync(new byte[1]).AsTask()));

        Assert.That(thrown!.Message, Does.Contain(words));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task The_hosts_identity_may_stand_in_the_options([Values] bool session)
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(_world.Time);
        services.AddScalrByok(o =>
        {
            Point(o, _world.Aws.Endpoint);
            o.HostIdentity = new()
            {
                AccessKeyId = _world.HostKey.AccessKeyId,
                SecretAccessKey = _world.HostKey.SecretAccessKey,
                SessionToken = session ? "no-such-session" : null,
            };
        }).AddKeyRing(AssumeRole);
        await using var provider = services.BuildServiceProvider();
        var ring = provider.GetRequiredService<IByokKeyRing>();

        if (session)
        {
            // A token that does not belong to the access key is refused, which shows that it is sent.
            var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
            Assert.That(thrown!.Message, Does.StartWith("The host's own AWS identity was rejected by AWS STS (InvalidClientTokenId)"));
            return;
        }

        await RoundTripAsync(ring);
        Assert.That(
            _world.Aws.Log.Requests.Single(r => r.Operation == "AssumeRole").Principal,
            Does.StartWith($"arn:aws:iam::{ByokWorld.HostAccount}:user/"));
    }

    [Test]
    public async Task The_hosts_identity_by_code_wins_over_the_options()
    {
        var services = _world.Services(o => o.HostIdentity = new() { AccessKeyId = "AKIANOBODYKNOWSTHIS0", SecretAccessKey = "s" });
        services.AddScalrByok().AddKeyRing(AssumeRole);
        await using var provider = services.BuildServiceProvider();

        await RoundTripAsync(provider.GetRequiredService<IByokKeyRing>());
    }

    [Test]
    public async Task A_host_without_a_log_and_a_clock_of_its_own_is_served()
    {
        var services = new ServiceCollection();
        services.AddScalrByok(o => Point(o, _world.Aws.Endpoint)).UseHostCredentials(_ => _world.HostCredentials).AddKeyRing(AssumeRole);
        await using var provider = services.BuildServiceProvider();

        await RoundTripAsync(provider.GetRequiredService<IByokKeyRing>());
    }

    private static void Point(ByokOptions options, Uri endpoint)
    {
        options.HostAccountId = ByokWorld.HostAccount;
        options.Endpoints.Kms[ByokEndpoints.AnyRegion] = endpoint;
        options.Endpoints.Sts[ByokEndpoints.AnyRegion] = endpoint;
    }

    private static async Task RoundTripAsync(IByokKeyRing ring) =>
        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync("abc"u8.ToArray())), Is.EqualTo("abc"u8.ToArray()));

    private void Oidc(ByokKeySettings settings) =>
        (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings("Oidc").Credentials);

    private void AssumeRole(ByokKeySettings settings) =>
        (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings("AssumeRole").Credentials);

    private ServiceCollection WithVault(string type)
    {
        var vault = new Vault { Type = type };
        vault.Entries["acme"] = (_world.AccessKey.AccessKeyId, _world.AccessKey.SecretAccessKey);
        var services = _world.Services();
        services.AddSingleton(vault);
        services.AddScalrByok().AddCredentialStrategy<VaultStrategy>();
        return services;
    }

    private IByokKeyRing FileRing()
    {
        var services = _world.Services();
        services.AddScalrByok().AddOidcTokenFile(_file).AddKeyRing(Oidc);
        return _world.Build(services).GetRequiredService<IByokKeyRing>();
    }
}
