using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>
/// What answers in place of AWS, or a proxy, can repeat a part of the request anywhere in its answer. No exception and no log repeats it.
/// </summary>
[Category("Slow")]
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class EchoedRequestsTests
{
    private static readonly string[] Answers =
    [
        "{0}\r\n\r\n",
        "HTTP/1.1 {0}\r\n\r\n",
        "HTTP/1.1 2{0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\n{0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\n{0} {0}: {0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: {0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: {0}\r\n\r\n{{}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: {0}\r\n\r\n{{}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset={0}\r\n\r\n{{}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-amz-crc32: {0}\r\n\r\n{{}}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{0}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}{0}\r\n0\r\n\r\n",
        "HTTP/1.1 400 {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nx-amzn-RequestId: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nx-amzn-ErrorType: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nx-amzn-error-message: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nx-amzn-query-error: {0};{0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nDate: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nRetry-After: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: http://{0}/{0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Who\r\nWWW-Authenticate: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm={0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n<{0}>",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<{0}>",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<a {0}=\"1\" {0}=\"2\"/>",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{\"{0}\":{0}",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{\"KeyId\":\"{0}\",\"CiphertextBlob\":\"{0}\"}}",
        "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n{{\"__type\":\"{0}\",\"message\":\"{0}\"}}",
        "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n{{\"__type\":\"AccessDeniedException#{0}\",\"message\":\"{0}\"}}",
        "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n<ErrorResponse><Error><Type>{0}</Type><Code>{0}</Code><Message>{0}</Message></Error>"
            + "<RequestId>{0}</RequestId></ErrorResponse>",
        Success("{{\"KeyId\":\"{1}\",\"CiphertextBlob\":\"{0}?\"}}"),
        Success("{{\"KeyId\":\"{0}\",\"CiphertextBlob\":\"YWJj\"}}"),
        Success("{{\"KeyMetadata\":{{\"KeyId\":\"{0}\",\"Arn\":\"{0}\",\"KeyState\":\"Enabled\"}}}}"),
        Success("{{\"KeyMetadata\":{{\"KeyId\":\"{0}\",\"Arn\":\"{1}\",\"KeyState\":\"{0}\",\"KeyUsage\":\"{0}\",\"KeySpec\":\"{0}\","
            + "\"Origin\":\"{0}\",\"KeyManager\":\"{0}\",\"Description\":\"{0}\",\"DeletionDate\":\"{0}\"}}}}"),
        Success("{{\"KeyMetadata\":{{\"Arn\":\"{1}\",\"KeyState\":\"{0}\",\"KeyUsage\":\"ENCRYPT_DECRYPT\",\"Enabled\":true}}}}"),
        Success("{{\"KeyMetadata\":{{\"Arn\":\"{1}\",\"KeyState\":\"Enabled\",\"KeyUsage\":\"{0}\",\"KeySpec\":\"{0}\",\"Enabled\":true,"
            + "\"Origin\":\"{0}\",\"KeyManager\":\"{0}\",\"CustomKeyStoreId\":\"{0}\"}}}}"),
        Success("{{\"KeyMetadata\":{{\"Arn\":\"{1}\",\"KeyState\":\"Enabled\",\"KeyUsage\":\"ENCRYPT_DECRYPT\",\"Enabled\":true,"
            + "\"KeySpec\":\"SYMMETRIC_DEFAULT\",\"MultiRegion\":true,\"MultiRegionConfiguration\":{{\"MultiRegionKeyType\":\"{0}\","
            + "\"PrimaryKey\":{{\"Arn\":\"{0}\",\"Region\":\"{0}\"}},\"ReplicaKeys\":[{{\"Arn\":\"{0}\",\"Region\":\"{0}\"}}]}}}}}}"),
        Success(Session("{0}", "{0}", "{0}")),
        Success(Session("{0}", "ASIAXXXXXXXXXXXXXXXX", "2999-01-01T00:00:00Z")),
        Success(Session("arn:aws:sts::111122223333:assumed-role/{0}/{0}", "ASIAXXXXXXXXXXXXXXXX", "2999-01-01T00:00:00Z")),
        Success(Session("arn:aws:sts::111122223333:assumed-role/a/b", "ASIAXXXXXXXXXXXXXXXX", "{0}")),
    ];

    private static string Success(string body) => $"HTTP/1.1 200 OK\r\nx-amzn-RequestId: {{0}}\r\nConnection: close\r\n\r\n{body}";

    private static string Session(string arn, string accessKeyId, string expiration) => string.Concat(
        ((string[])["AssumeRole", "AssumeRoleWithWebIdentity"]).Select(action =>
            $"<{action}Response><{action}Result><AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>{arn}</AssumedRoleId></AssumedRoleUser>"
            + $"<Credentials><AccessKeyId>{accessKeyId}</AccessKeyId><SecretAccessKey>{{0}}</SecretAccessKey><SessionToken>{{0}}"
            + $"</SessionToken><Expiration>{expiration}</Expiration></Credentials></{action}Result></{action}Response>"));

    private readonly string _type;
    private ByokWorld _world = null!;

    public EchoedRequestsTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCaseSource(nameof(Answers))]
    public async Task No_part_of_an_answer_repeats_a_secret(string answer)
    {
        string[] secrets = [Secrets.OfLetters, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"];
        foreach (var secret in secrets)
        {
            await using RecordingListener listener = new(string.Format(null, answer, secret, _world.Key.Arn));
            foreach (var service in (string[])["kms", "sts"])
            {
                if (service == "sts" && _type == ByokCredentialSettings.AccessKeysType)
                {
                    continue;
                }

                var services = _world.Services(o =>
                {
                    (service == "kms" ? o.Endpoints.Kms : o.Endpoints.Sts)[ByokWorld.Region] = listener.Address;
                    o.Resilience.MaxRetryAttempts = 0;
                });
                var settings = _world.Settings(_type);
                services.AddScalrByok().AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (settings.KeyArn, settings.Credentials));
                var host = _world.Build(services);
                var ring = host.GetRequiredService<IByokKeyRing>();

                var thrown = await Assert.CatchAsync<ByokException>(async () => await ring.EncryptAsync(new byte[1]));
                var health = await ring.ProbeAsync();
                var verification = await host.GetRequiredService<IByokVerifier>().VerifyAsync(settings, tenant: null);

                List<string> texts =
                [
                    .. Secrets.Texts(thrown!), health.ToString(), JsonSerializer.Serialize(health.Findings), verification.ToString(),
                    JsonSerializer.Serialize(verification), .. _world.Logs.Entries,
                ];
                Assert.That(verification.Succeeded, Is.False);
                Assert.That(Secrets.FindIn(texts, [secret]), Is.Empty, service);
            }
        }
    }
}
