using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Diagnostics;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>The README's code is the code of these tests: it compiles, it runs, and a test compares the two.</summary>
internal sealed class ReadmeTests
{
    [Test]
    public async Task First_code_does_what_the_README_says()
    {
        await using var world = await ByokWorld.StartAsync();
        var services = world.Services();
        var configuration = new ConfigurationManager();
        configuration["Acme:KeyArn"] = world.Key.Arn;
        configuration["Acme:Credentials:Type"] = "AssumeRole";
        configuration["Acme:Credentials:RoleArn"] = world.AssumedRole.Arn;
        configuration["Acme:Credentials:ExternalId"] = ByokWorld.ExternalId;
        var secret = "db password"u8.ToArray();

        #region first
        services.AddScalrByok(configuration.GetSection("Byok"))     // what you, the host's operator, decide
                .AddKeyRing(configuration.GetSection("Acme"));      // what your customer typed
        #endregion

        var provider = world.Build(services);
        var ring = provider.GetRequiredService<IByokKeyRing>();

        #region use
        var context = new Dictionary<string, string> { ["variable"] = "db_password" };   // bound to the message, not secret
        byte[] message = await ring.EncryptAsync(secret, context);
        byte[] plaintext = await ring.DecryptAsync(message, context);
        #endregion

        Assert.That(plaintext, Is.EqualTo(secret));
    }

    [Test]
    public async Task Streams_and_a_new_key_work_as_the_README_shows()
    {
        await using var world = await ByokWorld.StartAsync();
        var oldKey = world.Customer.CreateKey(ByokWorld.Region);
        var oldUser = world.Customer.CreateUser("old", Policies.Permissions(oldKey.Arn)).CreateAccessKey();
        var previous = new ByokPreviousKeySettings
        {
            KeyArn = oldKey.Arn,
            Credentials = ByokCredentialSettings.AccessKeys(oldUser.AccessKeyId, oldUser.SecretAccessKey),
        };
        var oldRing = world.Ring(new ByokKeySettings { KeyArn = previous.KeyArn, Credentials = previous.Credentials });
        var ring = world.Ring("AssumeRole", settings => settings.PreviousKeys = [previous]);
        var context = new Dictionary<string, string> { ["file"] = "state" };
        var content = new byte[200_000];
        using var file = new MemoryStream(content);
        using var store = new MemoryStream();
        using var restored = new MemoryStream();

        #region encrypt-stream
        await ring.EncryptAsync(file, store, context);
        #endregion

        using var stored = new MemoryStream(store.ToArray());

        #region decrypt-stream
        await ring.DecryptAsync(stored, restored, context);   // use nothing of `restored` before this has ended well
        #endregion

        Assert.That(restored.ToArray(), Is.EqualTo(content));

        await RewrapAsync(await oldRing.EncryptAsync(content, context));

        async Task RewrapAsync(byte[] stored)
        {
            #region rewrap
            byte[] moved = await ring.RewrapAsync(stored);   // the payload stays as it is; also from stream to stream
            #endregion

            Assert.That(ByokMessage.Read(moved).KeyArns, Is.EqualTo(new[] { ring.KeyArn }));
            Assert.That(await ring.DecryptAsync(moved, context), Is.EqualTo(content));
        }
    }

    [Test]
    public async Task Many_customers_work_as_the_README_shows()
    {
        await using var world = await ByokWorld.StartAsync();
        var services = world.Services();
        var configuration = new ConfigurationManager();
        services.AddSingleton(world);
        var tenant = "acme";

        #region tenants
        services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRings<CustomerStore>();       // your IByokKeySettingsStore
        #endregion

        var rings = world.Build(services).GetRequiredService<IByokKeyRingProvider>();

        #region tenant
        var ring = await rings.GetKeyRingAsync(tenant);          // an IByokKeyRingProvider from your services
        rings.Invalidate(tenant);                                // after the customer has changed the settings
        #endregion

        Assert.That(ByokMessage.Read(await ring.EncryptAsync(new byte[1])).EncryptionContext, Does.ContainKey("scalr:tenant").WithValue(tenant));
    }

    [Test]
    public async Task Values_of_columns_work_as_the_README_shows()
    {
        await using var world = await ByokWorld.StartAsync();
        var (ring, keyStore, tenant, rowId) = (world.Ring("AssumeRole"), new KeyStore(), "acme", "42");

        #region values
        using var key = await ring.GetOrCreateDataKeyAsync(keyStore, tenant);    // your IByokDataKeyStore: find, and add if absent
        byte[] place = ByokAssociatedData.For("variables", "value", rowId);      // where the value lives: it opens nowhere else
        byte[] column = key.Encrypt("db password", place);
        string text = key.DecryptText(column, place);
        #endregion

        Assert.That(text, Is.EqualTo("db password"));
        Assert.That(column, Has.Length.EqualTo(text.Length + 48));
        Assert.That(keyStore.Keys, Does.ContainKey(tenant).WithValue(key.EncryptedKey.ToArray()));
    }

    [Test]
    public async Task Policies_and_the_verification_work_as_the_README_shows()
    {
        await using var world = await ByokWorld.StartAsync();
        var (keyArn, replicaRegions) = (KmsKeyArn.Parse(world.Key.Arn), Array.Empty<string>());
        var (externalId, hostAccountId) = (ByokWorld.ExternalId, ByokWorld.HostAccount);
        var (customerAccountId, audience, accountName, providerHost) = (ByokWorld.CustomerAccount, ByokWorld.Audience, "acme", "scalr.io");
        var verifier = world.Build(world.Services()).GetRequiredService<IByokVerifier>();
        var shown = new List<string>();
        void Show(ByokVerificationCheck check, ByokVerificationOutcome outcome, string message, string? remedy, string? policy) =>
            shown.Add($"{check}: {outcome}. {message} {remedy} {policy}");

        #region policies
        string permissions = ByokPolicies.KeyPermissions(keyArn, replicaRegions);             // for the user or the role
        string trust = ByokPolicies.AssumeRoleTrust(externalId, hostAccountId);               // your AWS account; NewExternalId() makes an ID
        string oidcTrust = ByokPolicies.WebIdentityTrust(customerAccountId, audience, accountName, providerHost);   // your issuer's host
        #endregion

        (world.AssumedRole.Policy, world.AssumedRole.TrustPolicy) = (permissions, trust);
        (world.OidcRole.Policy, world.OidcRole.TrustPolicy) = (permissions, oidcTrust);
        await VerifyAsync(world.Settings("AssumeRole"));
        await VerifyAsync(world.Settings("Oidc"));

        async Task VerifyAsync(ByokKeySettings settings)
        {
            #region verify
            var verification = await verifier.VerifyAsync(settings);          // an IByokVerifier from your services
            foreach (var step in verification.Steps)
            {
                Show(step.Check, step.Outcome, step.Message, step.Remedy, step.Policy);
            }
            #endregion

            Assert.That(verification.Succeeded, Is.True);
        }

        Assert.That(shown, Has.Count.EqualTo(16).And.Some.StartsWith("Decrypt: Passed"));
    }

    [Test]
    public async Task Token_provider_of_the_README_works()
    {
        await using var world = await ByokWorld.StartAsync();
        var services = world.Services();
        var issuer = new { CreateTokenAsync = (Func<string, CancellationToken, ValueTask<string>>)((audience, _) => new(world.Token(audience, ByokWorld.Subject))) };
        var builder = services.AddScalrByok();

        #region tokens
        builder.AddWebIdentityTokens((audience, cancellationToken) => issuer.CreateTokenAsync(audience, cancellationToken));   // for OIDC
        #endregion

        builder.AddKeyRing("acme", s => (s.KeyArn, s.Credentials) = (world.Key.Arn, world.Settings("Oidc").Credentials));
        var ring = world.Build(services).GetRequiredKeyedService<IByokKeyRing>("acme");
        Assert.That(await ring.EncryptAsync(new byte[1]), Is.Not.Empty);
    }

    [TestCase("first")]
    [TestCase("use")]
    [TestCase("encrypt-stream")]
    [TestCase("decrypt-stream")]
    [TestCase("rewrap")]
    [TestCase("tenants")]
    [TestCase("tenant")]
    [TestCase("values")]
    [TestCase("tokens")]
    [TestCase("policies")]
    [TestCase("verify")]
    public void Code_in_the_README_is_the_code_of_a_test(string region)
    {
        var lines = Region(File.ReadAllLines(Repository.Path("tests/Scalr.Byok.Kms.Tests/Docs/ReadmeTests.cs")), region);

        Assert.That(lines, Is.Not.Empty);
        Assert.That(Readme(), Does.Contain(string.Join('\n', lines)));
    }

    [Test]
    public void First_code_stands_by_line_20_and_the_README_is_short()
    {
        var lines = Readme().Split('\n');

        Assert.That(Array.IndexOf(lines, "```csharp"), Is.InRange(1, 19));
        Assert.That(lines, Has.Length.LessThanOrEqualTo(250));
    }

    [Test]
    public void Every_metric_stands_in_the_README() =>
        Assert.That(TelemetryTests.Instruments.Select(one => one.Name["scalr.byok.".Length..]), Has.All.Matches<string>(name => Readme().Contains($"`{name}`")));

    [Test]
    public void Every_reason_stands_in_the_README() =>
        Assert.That(Enum.GetNames<ByokKeyUnavailableReason>(), Has.All.Matches<string>(reason => Readme().Contains($"`{reason}`")));

    private static List<string> Region(string[] lines, string name)
    {
        var begin = Array.FindIndex(lines, line => line.Trim() == $"#region {name}");
        var inside = lines[(begin + 1)..Array.FindIndex(lines, begin, line => line.Trim() == "#endregion")];
        var indent = inside.Min(line => line.Length - line.TrimStart().Length);
        return [.. inside.Select(line => line[indent..])];
    }

    private static string Readme() => File.ReadAllText(Repository.Path("README.md")).ReplaceLineEndings("\n");

    private sealed class KeyStore : IByokDataKeyStore
    {
        public Dictionary<string, byte[]> Keys { get; } = [];

        public ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken) => new(Keys.GetValueOrDefault(name));

        public ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken) => new(Keys.TryAdd(name, encryptedKey));
    }

    private sealed class CustomerStore(ByokWorld world) : IByokKeySettingsStore
    {
        public ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken) => new(world.Settings("AccessKeys"));
    }
}
