using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

public sealed class RequestLogTests
{
    [Test]
    public async Task The_log_tells_who_asked_for_what_where_and_how_it_ended()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East2);
        using var kms = aws.Kms(region: East2);
        aws.Time.Advance(TimeSpan.FromDays(1));

        await aws.EncryptAsync(key);
        key.Disable();
        Assert.That(
            () => kms.EncryptAsync(new EncryptRequest { KeyId = key.KeyId, Plaintext = Bytes("secret") }),
            Throws.InstanceOf<DisabledException>());

        var log = aws.Server.Log.Requests;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(log, Has.Count.EqualTo(2));
            Assert.That(log[0] with { UserAgent = null, RequestId = "" }, Is.EqualTo(new LoggedRequest(
                aws.Time.GetUtcNow(), "kms", East2, "Encrypt", "arn:aws:iam::111122223333:user/admin", key.Arn, null, null)));
            Assert.That(log[0].UserAgent, Does.Contain("aws-sdk-dotnet"));
            Assert.That((log[1].Key, log[1].ErrorCode), Is.EqualTo((key.Arn, "DisabledException")));
            Assert.That(aws.Server.Log.Count("Encrypt"), Is.EqualTo(2));
            Assert.That(aws.Server.Log.Count("Decrypt"), Is.Zero);
        }

        aws.Server.Log.Clear();
        Assert.That(aws.Server.Log.Requests, Is.Empty);
        Assert.That(aws.Server.Log.Count("Encrypt"), Is.Zero);
    }

    [Test]
    public async Task The_log_names_nobody_whose_signature_is_wrong()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var sts = aws.Sts(new BasicAWSCredentials(aws.Admin.AccessKeyId, "wrong"));

        Assert.That(() => sts.GetCallerIdentityAsync(new()), Throws.InstanceOf<AmazonServiceException>());

        var logged = aws.Server.Log.Requests.Single();
        Assert.That(
            (logged.Service, logged.Operation, logged.Principal, logged.ErrorCode),
            Is.EqualTo(("sts", "GetCallerIdentity", (string?)null, "SignatureDoesNotMatch")));
    }

    [Test]
    public async Task No_text_shows_a_secret()
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        Assert.That(aws.Admin.ToString(), Is.EqualTo(aws.Admin.AccessKeyId));
    }

    [Test]
    public async Task The_control_API_sets_up_a_server_and_shows_its_log()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(aws.Server.Endpoint, "/_local/") };

        var user = await PostAsync(
            http,
            "accounts/444455556666/users",
            """{ "name": "bob", "policy": { "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } } }""");
        var role = await PostAsync(
            http,
            "accounts/444455556666/roles",
            JsonSerializer.Serialize(new { name = "byok", trustPolicy = TrustPolicies.Account("444455556666") }));
        await PostAsync(
            http,
            "accounts/444455556666/oidc-providers",
            """{ "issuer": "https://scalr.io", "audiences": ["a"], "discovery": "http://127.0.0.1:9/" }""");
        using var sts = aws.Sts(
            new BasicAWSCredentials(user.GetProperty("accessKeyId").GetString(), user.GetProperty("secretAccessKey").GetString()));
        var session = await sts.AssumeRoleAsync(new() { RoleArn = role.GetProperty("arn").GetString(), RoleSessionName = "test" });

        await PostAsync(http, "faults", """{ "kind": "error", "code": "ThrottlingException", "operation": "GetCallerIdentity" }""");
        Assert.That(() => sts.GetCallerIdentityAsync(new()), Refused("ThrottlingException"));
        await http.DeleteAsync("faults");
        Assert.That(() => sts.GetCallerIdentityAsync(new()), Throws.Nothing);

        var log = await http.GetFromJsonAsync<JsonElement>("requests");
        Assert.That(session.AssumedRoleUser.Arn, Does.Contain("444455556666"));
        Assert.That(
            log.EnumerateArray().Select(entry => entry.GetProperty("operation").GetString()),
            Is.EqualTo(["AssumeRole", "GetCallerIdentity", "GetCallerIdentity"]));
        await http.DeleteAsync("requests");
        Assert.That(aws.Server.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task The_control_API_disables_and_enables_a_key()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(aws.Server.Endpoint, "/_local/") };
        var key = aws.Server.Account("444455556666").CreateKey("us-east-1", multiRegion: true);

        using var disabled = await http.PostAsync($"keys/us-east-1/{key.KeyId}/disable", content: null);
        Assert.That(
            (await disabled.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("state").GetString(), Is.EqualTo(LocalKeyState.Disabled));
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Disabled));

        using var enabled = await http.PostAsync($"keys/us-east-1/{key.KeyId}/enable", content: null);
        Assert.That((await enabled.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("arn").GetString(), Is.EqualTo(key.Arn));
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Enabled));

        key.ScheduleDeletion();
        using var forbidden = await http.PostAsync($"keys/us-east-1/{key.KeyId}/enable", content: null);
        using var unknown = await http.PostAsync($"keys/us-east-2/{key.KeyId}/enable", content: null);
        Assert.That((forbidden.StatusCode, unknown.StatusCode), Is.EqualTo((HttpStatusCode.BadRequest, HttpStatusCode.NotFound)));
    }

    [TestCase("Host", "evil.example")]
    [TestCase("Host", "127.0.0.1.evil.example")]
    [TestCase("Origin", "http://evil.example")]
    public async Task A_web_page_is_turned_away(string header, string value)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var http = new HttpClient();

        foreach (var path in new[] { "/", "/_local/requests" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(aws.Server.Endpoint, path));
            request.Headers.TryAddWithoutValidation(header, value);
            Assert.That((await http.SendAsync(request)).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden), path);
        }
    }

    [TestCase("12345678901")]
    [TestCase("1234567890123")]
    [TestCase("12345678901x")]
    public async Task An_account_id_has_twelve_digits(string id)
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        Assert.That(() => aws.Server.Account(id), Throws.ArgumentException);
    }

    private static async Task<JsonElement> PostAsync(HttpClient http, string path, string json)
    {
        using var answer = await http.PostAsync(path, new StringContent(json, System.Text.Encoding.UTF8, "application/json"));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
