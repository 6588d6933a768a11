using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;
using LocalAws;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework.Constraints;
using StsCredentials = Amazon.SecurityToken.Model.Credentials;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>A server of its own for each test, on a clock that the test moves, with a customer's account and its administrator.</summary>
internal sealed class LocalAwsFixture : IAsyncDisposable
{
    public const string East1 = "us-east-1";
    public const string East2 = "us-east-2";

    private LocalAwsFixture(LocalAwsServer server, FakeTimeProvider time)
    {
        Server = server;
        Time = time;
        Account = server.Account("111122223333");
        Admin = Account.CreateUser("admin", Allow("*", "*")).CreateAccessKey();
    }

    public LocalAwsServer Server { get; }

    public FakeTimeProvider Time { get; }

    public LocalAccount Account { get; }

    public LocalAccessKey Admin { get; }

    public static async Task<LocalAwsFixture> StartAsync()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        return new LocalAwsFixture(await LocalAwsServer.StartAsync(new LocalAwsOptions { Time = time }), time);
    }

    public static string Allow(string action, string resource) =>
        $$"""{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": "{{action}}", "Resource": "{{resource}}" } ] }""";

    public static AWSCredentials Of(LocalAccessKey key) => new BasicAWSCredentials(key.AccessKeyId, key.SecretAccessKey);

    public static AWSCredentials Of(StsCredentials session) =>
        new SessionAWSCredentials(session.AccessKeyId, session.SecretAccessKey, session.SessionToken);

    public static Constraint Refused(string code) =>
        Throws.InstanceOf<AmazonServiceException>().With.Property(nameof(AmazonServiceException.ErrorCode)).EqualTo(code);

    public static MemoryStream Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    public AmazonKeyManagementServiceClient Kms(
        AWSCredentials? credentials = null, string region = East1, Action<HttpRequestMessage>? onTheWay = null) =>
        new(credentials ?? Of(Admin), Configured(new AmazonKeyManagementServiceConfig(), region, onTheWay));

    public AmazonSecurityTokenServiceClient Sts(
        AWSCredentials? credentials = null, string region = East1, Action<HttpRequestMessage>? onTheWay = null) =>
        new(credentials ?? Of(Admin), Configured(new AmazonSecurityTokenServiceConfig(), region, onTheWay));

    public async Task<MemoryStream> EncryptAsync(
        LocalKey key, Dictionary<string, string>? context = null, AWSCredentials? credentials = null)
    {
        using var kms = Kms(credentials, key.Region);
        var answer = await kms.EncryptAsync(
            new EncryptRequest { KeyId = key.Arn, Plaintext = Bytes("secret"), EncryptionContext = context });
        return answer.CiphertextBlob;
    }

    public async Task<string> DecryptAsync(
        MemoryStream blob, LocalKey? key = null, Dictionary<string, string>? context = null, string region = East1)
    {
        using var kms = Kms(region: region);
        var answer = await kms.DecryptAsync(new DecryptRequest { KeyId = key?.Arn, CiphertextBlob = blob, EncryptionContext = context });
        return Encoding.UTF8.GetString(answer.Plaintext.ToArray());
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private T Configured<T>(T config, string region, Action<HttpRequestMessage>? onTheWay)
        where T : ClientConfig
    {
        config.ServiceURL = Server.Endpoint.ToString();
        config.AuthenticationRegion = region;
        config.MaxErrorRetry = 0;
        config.MaxStaleConnectionRetries = 0;
        config.HttpClientFactory = onTheWay is null ? null : new TamperingFactory(onTheWay);
        return config;
    }

    /// <summary>Changes a request after it was signed.</summary>
    private sealed class TamperingFactory(Action<HttpRequestMessage> onTheWay) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new Tampering(onTheWay));

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;
    }

    private sealed class Tampering(Action<HttpRequestMessage> onTheWay) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            onTheWay(request);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
