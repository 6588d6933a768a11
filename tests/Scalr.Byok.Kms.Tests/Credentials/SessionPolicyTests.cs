using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>
/// A role that may do everything, and a session of it that the library began, in the hands of someone else: with the AWS SDK alone, every
/// operation that LocalAws knows is tried.
/// </summary>
[TestFixture("AssumeRole")]
[TestFixture("Oidc")]
internal sealed class SessionPolicyTests
{
    private const string Everything = """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}""";

    private readonly string _type;
    private readonly List<IDisposable> _clients = [];
    private ByokWorld _world = null!;
    private LocalKey _replica = null!;
    private LocalKey _previous = null!;
    private LocalKey _foreign = null!;

    public SessionPolicyTests(string type) => _type = type;

    private KmsKeyArn[] OwnKeys => [KmsKeyArn.Parse(_world.Key.Arn), KmsKeyArn.Parse(_replica.Arn), KmsKeyArn.Parse(_previous.Arn)];

    private LocalRole Role => _type == "Oidc" ? _world.OidcRole : _world.AssumedRole;

    private string SessionArn => $"arn:aws:sts::{ByokWorld.CustomerAccount}:assumed-role/{Role.Name}/Scalr.Byok.Kms";

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.AssumedRole.Policy = _world.OidcRole.Policy = Everything;
        _replica = _world.Key.Replicate("us-east-2");
        _previous = _world.Customer.CreateKey("us-west-2");
        _foreign = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _clients.ForEach(client => client.Dispose());
        _clients.Clear();
        await _world.DisposeAsync();
    }

    [Test]
    public async Task A_session_encrypts_decrypts_and_describes_with_all_the_customers_keys()
    {
        var session = await BeginAsync();

        foreach (var key in new[] { _world.Key, _replica, _previous })
        {
            var kms = Kms(session, key.Region);
            var encrypted = await kms.EncryptAsync(new EncryptRequest { KeyId = key.Arn, Plaintext = new MemoryStream([1, 2, 3]) });
            var decrypted = await kms.DecryptAsync(new DecryptRequest { KeyId = key.Arn, CiphertextBlob = encrypted.CiphertextBlob });
            Assert.That(decrypted.Plaintext.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
            Assert.That((await kms.DescribeKeyAsync(key.Arn)).KeyMetadata.Arn, Is.EqualTo(key.Arn));
        }
    }

    [Test]
    public async Task A_session_can_do_nothing_else_whatever_the_role_may_do()
    {
        var session = await BeginAsync();
        var calls = await OtherCallsAsync(session);

        foreach (var (name, call) in calls)
        {
            var thrown = await Assert.CatchAsync<AmazonServiceException>(call, name);
            Assert.That(thrown!.ErrorCode, Is.EqualTo("AccessDeniedException").Or.EqualTo("AccessDenied"), name);
        }

        Assert.That((_world.Key.State, _foreign.State), Is.EqualTo((LocalKeyState.Enabled, LocalKeyState.Enabled)));
        _world.DemandAllowedCalls();
    }

    [Test]
    public async Task Without_the_restriction_a_session_may_do_what_the_role_may_do()
    {
        // The counterpart of the test above: it is the session policy that refuses there, and nothing else.
        var session = await BeginAsync(options => options.RestrictSessions = false);
        var calls = await OtherCallsAsync(session);

        foreach (var (name, call) in calls)
        {
            await Assert.ThatAsync(call, Throws.Nothing, name);
        }
    }

    [Test]
    public async Task A_session_for_too_many_keys_can_use_the_key_it_is_for_and_no_other()
    {
        var many = Enumerable.Range(0, 30).Select(_ => _world.Customer.CreateKey(ByokWorld.Region)).ToList();

        var kms = Kms(await BeginAsync(keyArns: [KmsKeyArn.Parse(_world.Key.Arn), .. many.Select(key => KmsKeyArn.Parse(key.Arn))]));

        Assert.That((await kms.DescribeKeyAsync(_world.Key.Arn)).KeyMetadata.KeyState, Is.EqualTo(KeyState.Enabled));
        Assert.That(
            (await Assert.CatchAsync<AmazonServiceException>(() => kms.DescribeKeyAsync(many[0].Arn)))!.ErrorCode,
            Is.EqualTo("AccessDeniedException"));
    }

    [Test]
    public async Task A_narrowed_session_can_use_the_key_it_is_for_and_no_other()
    {
        _world.Aws.Faults.Add(Fault.Error("PackedPolicyTooLarge") with { Service = "sts", Times = 1 });

        var session = await BeginAsync();

        Assert.That((await Kms(session).DescribeKeyAsync(_world.Key.Arn)).KeyMetadata.KeyState, Is.EqualTo(KeyState.Enabled));
        Assert.That(
            (await Assert.CatchAsync<AmazonServiceException>(
                () => Kms(session, _previous.Region).DescribeKeyAsync(_previous.Arn)))!.ErrorCode,
            Is.EqualTo("AccessDeniedException"));
    }

    /// <summary>Everything else that LocalAws knows, in an order in which it would all work.</summary>
    private async Task<(string Name, Func<Task> Call)[]> OtherCallsAsync(SessionAWSCredentials session)
    {
        var administrator = _world.AddBystander("administrator", Everything);
        using var hers = Kms(new BasicAWSCredentials(administrator.AccessKeyId, administrator.SecretAccessKey));
        var foreignBlob =
            (await hers.EncryptAsync(new EncryptRequest { KeyId = _foreign.Arn, Plaintext = new MemoryStream([1]) })).CiphertextBlob;
        var unnamed = _world.Key.Replicate("eu-west-1");
        var otherRole = _world.Customer.CreateRole("another", TrustOwnAccount, Everything);

        var (kms, far, sts) = (Kms(session), Kms(session, unnamed.Region), Sts(session));
        var (own, foreign) = (_world.Key.Arn, _foreign.Arn);
        return
        [
            ("Encrypt with another key", () => kms.EncryptAsync(new EncryptRequest { KeyId = foreign, Plaintext = new MemoryStream([1]) })),
            ("Decrypt with another key", () => kms.DecryptAsync(new DecryptRequest { KeyId = foreign, CiphertextBlob = foreignBlob })),
            ("Decrypt with another key that is not named", () => kms.DecryptAsync(new DecryptRequest { CiphertextBlob = foreignBlob })),
            ("DescribeKey of another key", () => kms.DescribeKeyAsync(foreign)),
            (
                "Encrypt in a Region that is not named",
                () => far.EncryptAsync(new EncryptRequest { KeyId = unnamed.Arn, Plaintext = new MemoryStream([1]) })),
            ("GenerateDataKey", () => kms.GenerateDataKeyAsync(new GenerateDataKeyRequest { KeyId = own, KeySpec = DataKeySpec.AES_256 })),
            ("ListKeys", () => kms.ListKeysAsync(new ListKeysRequest())),
            ("CreateKey", () => kms.CreateKeyAsync(new CreateKeyRequest())),
            ("ReplicateKey", () => kms.ReplicateKeyAsync(new ReplicateKeyRequest { KeyId = own, ReplicaRegion = "eu-north-1" })),
            ("CreateAlias", () => kms.CreateAliasAsync("alias/theirs", own)),
            ("DisableKey", () => kms.DisableKeyAsync(own)),
            ("EnableKey", () => kms.EnableKeyAsync(own)),
            ("ScheduleKeyDeletion", () => kms.ScheduleKeyDeletionAsync(foreign, 7)),
            ("CancelKeyDeletion", () => kms.CancelKeyDeletionAsync(foreign)),
            ("EnableKey of another key", () => kms.EnableKeyAsync(foreign)),
            ("AssumeRole", () => sts.AssumeRoleAsync(new AssumeRoleRequest { RoleArn = otherRole.Arn, RoleSessionName = "further" })),
        ];
    }

    private static string TrustOwnAccount =>
        $$"""
        {"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{{ByokWorld.CustomerAccount}}:root" },
         "Action":"sts:AssumeRole" } }
        """;

    /// <summary>A session as the library's own strategy begins it.</summary>
    private async Task<SessionAWSCredentials> BeginAsync(Action<ByokOptions>? options = null, KmsKeyArn[]? keyArns = null)
    {
        var strategy = _world.Build(_world.Services(options))
            .GetServices<IByokCredentialStrategy>()
            .Single(strategy => strategy.Type == _type);
        using var credentials = (IDisposable)strategy.CreateCredentials(
            _world.Settings(_type).Credentials, new ByokCredentialContext(keyArns ?? OwnKeys));
        var session = await ((AWSCredentials)credentials).GetCredentialsAsync();
        _world.Lend(SessionArn);
        return new SessionAWSCredentials(session.AccessKey, session.SecretKey, session.Token);
    }

    private AmazonKeyManagementServiceClient Kms(AWSCredentials credentials, string region = ByokWorld.Region) =>
        Kept(new AmazonKeyManagementServiceClient(credentials, Configured(new AmazonKeyManagementServiceConfig(), region)));

    private AmazonSecurityTokenServiceClient Sts(AWSCredentials credentials) =>
        Kept(new AmazonSecurityTokenServiceClient(credentials, Configured(new AmazonSecurityTokenServiceConfig(), ByokWorld.Region)));

    private TConfig Configured<TConfig>(TConfig config, string region)
        where TConfig : ClientConfig
    {
        config.ServiceURL = _world.Aws.Endpoint.AbsoluteUri;
        config.AuthenticationRegion = region;
        config.MaxErrorRetry = 0;
        return config;
    }

    private TClient Kept<TClient>(TClient client)
        where TClient : IDisposable
    {
        _clients.Add(client);
        return client;
    }
}
