using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

public sealed class SignatureTests
{
    private static readonly Action<HttpRequestMessage>[] Changes =
    [
        request => request.Content = new StringContent("{\"Limit\":7}", Encoding.UTF8, request.Content!.Headers.ContentType!),
        request => Replace(request, "X-Amz-Target", "TrentService.DisableKey"),
        request => request.RequestUri = new Uri(request.RequestUri!, "/other"),
        request => request.RequestUri = new Uri(request.RequestUri!, "/?a=b"),
        request => Replace(request, "X-Amz-Date", $"{DateTime.UtcNow.AddSeconds(-5):yyyyMMddTHHmmssZ}"),
        request => Replace(
            request,
            "Authorization",
            request.Headers.GetValues("Authorization").Single().Replace("us-east-1", "us-east-2", StringComparison.Ordinal)),
        request => request.Method = HttpMethod.Put,
    ];

    [Test]
    public async Task A_wrong_secret_is_a_wrong_signature()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var credentials = new BasicAWSCredentials(aws.Admin.AccessKeyId, "wrong");

        await ExpectAsync(aws, credentials, "InvalidSignatureException", "SignatureDoesNotMatch");
    }

    [Test]
    public async Task An_unknown_access_key_is_an_invalid_token()
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        await ExpectAsync(
            aws, new BasicAWSCredentials("AKIAABCDEFGHIJKLMNOP", "secret"), "UnrecognizedClientException", "InvalidClientTokenId");
    }

    [Test]
    public async Task An_inactive_access_key_is_as_good_as_unknown_until_it_is_active_again()
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        aws.Admin.Active = false;
        await ExpectAsync(aws, Of(aws.Admin), "UnrecognizedClientException", "InvalidClientTokenId");
        aws.Admin.Active = true;
        using var kms = aws.Kms();
        Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
    }

    [Test]
    public async Task A_session_token_must_be_the_one_of_its_session()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var session = await SessionAsync(aws);

        await ExpectAsync(
            aws,
            new SessionAWSCredentials(session.AccessKeyId, session.SecretAccessKey, "wrong"),
            "UnrecognizedClientException",
            "InvalidClientTokenId");
        await ExpectAsync(
            aws,
            new BasicAWSCredentials(session.AccessKeyId, session.SecretAccessKey),
            "UnrecognizedClientException",
            "InvalidClientTokenId");
        await ExpectAsync(
            aws,
            new SessionAWSCredentials(aws.Admin.AccessKeyId, aws.Admin.SecretAccessKey, session.SessionToken),
            "UnrecognizedClientException",
            "InvalidClientTokenId");
    }

    [Test]
    public async Task A_session_ends_when_its_time_is_over()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var session = Of(await SessionAsync(aws));
        using var kms = aws.Kms(session);

        aws.Time.Advance(TimeSpan.FromSeconds(899));
        Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
        aws.Time.Advance(TimeSpan.FromSeconds(1));
        await ExpectAsync(aws, session, "ExpiredTokenException", "ExpiredToken");
    }

    [TestCase(6, "Signature expired")]
    [TestCase(-6, "Signature not yet current")]
    public async Task A_clock_more_than_five_minutes_off_is_a_wrong_signature(int minutes, string message)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.ClockSkew(TimeSpan.FromMinutes(minutes)));
        using var kms = aws.Kms();

        Assert.That(() => kms.ListKeysAsync(new()), Refused("InvalidSignatureException").With.Message.StartsWith(message));
        using var http = new HttpClient();
        using var answer = await http.GetAsync(aws.Server.Endpoint);
        Assert.That(
            answer.Headers.Date,
            Is.EqualTo(DateTimeOffset.UtcNow.AddMinutes(minutes)).Within(TimeSpan.FromMinutes(1)),
            "SDKs correct their clocks by it");
    }

    [Test]
    public async Task A_clock_that_is_off_is_a_wrong_signature_for_STS_too()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.ClockSkew(TimeSpan.FromHours(1)));
        using var sts = aws.Sts();

        Assert.That(() => sts.GetCallerIdentityAsync(new()), Refused("SignatureDoesNotMatch").With.Message.StartsWith("Signature expired"));
    }

    [Test]
    public async Task A_clock_four_minutes_off_is_still_right()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.ClockSkew(TimeSpan.FromMinutes(4)));
        using var kms = aws.Kms();

        Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
    }

    [TestCaseSource(nameof(Changes))]
    public async Task A_request_changed_after_it_was_signed_is_refused(Action<HttpRequestMessage> change)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms(onTheWay: change);

        Assert.That(() => kms.ListKeysAsync(new()), Refused("InvalidSignatureException"));
    }

    [Test]
    public async Task A_signature_for_another_service_is_refused()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var sts = aws.Sts(onTheWay: request => request.Headers.Add("X-Amz-Target", "TrentService.ListKeys"));

        Assert.That(() => sts.GetCallerIdentityAsync(new()), Throws.InstanceOf<AmazonServiceException>());
        Assert.That(aws.Server.Log.Requests.Single().ErrorCode, Is.EqualTo("IncompleteSignatureException"));
    }

    [Test]
    public async Task A_request_without_a_signature_is_refused()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms(onTheWay: request => request.Headers.Remove("Authorization"));
        using var sts = aws.Sts(onTheWay: request => request.Headers.Remove("Authorization"));

        Assert.That(() => kms.ListKeysAsync(new()), Refused("MissingAuthenticationTokenException"));
        Assert.That(() => sts.GetCallerIdentityAsync(new()), Refused("MissingAuthenticationToken"));
    }

    [TestCase("", "SerializationException")]
    [TestCase("[]", "SerializationException")]
    [TestCase("{", "SerializationException")]
    [TestCase("{} {}", "SerializationException")]
    [TestCase("{\"KeyId\":1}", "SerializationException")]
    [TestCase("{\"KeyId\":null}", "ValidationException")]
    [TestCase("{\"KeyId\":\"\\ud800\"}", "InternalFailure")]
    [TestCase("{\"KeyId\":\"x\"} \n", "NotFoundException")]
    public async Task A_body_that_is_no_request_is_refused_in_order(string body, string code)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, aws.Server.Endpoint)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/x-amz-json-1.1"),
        };
        request.Headers.Add("X-Amz-Target", "TrentService.DescribeKey");
        await SignAsync(aws, request);
        using var http = new HttpClient();

        using var answer = await http.SendAsync(request);

        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain($"\"{code}\""));
    }

    [Test]
    public async Task Every_answer_carries_a_request_id()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();
        using var nobody = aws.Kms(new BasicAWSCredentials("AKIAABCDEFGHIJKLMNOP", "secret"));

        Assert.That((await kms.ListKeysAsync(new())).ResponseMetadata.RequestId, Is.Not.Empty);
        Assert.That(() => nobody.ListKeysAsync(new()), Throws.InstanceOf<AmazonServiceException>().With.Property("RequestId").Not.Empty);
    }

    private static async Task<Amazon.SecurityToken.Model.Credentials> SessionAsync(LocalAwsFixture aws)
    {
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id), Allow("kms:*", "*"));
        using var sts = aws.Sts();
        return (await sts.AssumeRoleAsync(new() { RoleArn = role.Arn, RoleSessionName = "test", DurationSeconds = 900 })).Credentials;
    }

    private static async Task ExpectAsync(LocalAwsFixture aws, AWSCredentials credentials, string kmsCode, string stsCode)
    {
        using var kms = aws.Kms(credentials);
        using var sts = aws.Sts(credentials);
        await Assert.ThatAsync(() => kms.ListKeysAsync(new()), Refused(kmsCode));
        await Assert.ThatAsync(() => sts.GetCallerIdentityAsync(new()), Refused(stsCode));
    }

    /// <summary>Signature Version 4 by the book, written a second time, because the SDK signs only what it has serialized itself.</summary>
    private static async Task SignAsync(LocalAwsFixture aws, HttpRequestMessage request)
    {
        var now = DateTime.UtcNow;
        var scope = $"{now:yyyyMMdd}/us-east-1/kms/aws4_request";
        request.Headers.Add("X-Amz-Date", $"{now:yyyyMMddTHHmmssZ}");
        var body = Convert.ToHexStringLower(SHA256.HashData(await request.Content!.ReadAsByteArrayAsync()));
        var canonical =
            $"POST\n/\n\nhost:{request.RequestUri!.Authority}\nx-amz-date:{now:yyyyMMddTHHmmssZ}\n"
            + $"x-amz-target:{request.Headers.GetValues("X-Amz-Target").Single()}\n\nhost;x-amz-date;x-amz-target\n{body}";
        var text =
            $"AWS4-HMAC-SHA256\n{now:yyyyMMddTHHmmssZ}\n{scope}\n"
            + $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = scope.Split('/').Aggregate(
            Encoding.UTF8.GetBytes("AWS4" + aws.Admin.SecretAccessKey),
            (key, part) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part)));
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
        Replace(
            request,
            "Authorization",
            $"AWS4-HMAC-SHA256 Credential={aws.Admin.AccessKeyId}/{scope}, SignedHeaders=host;x-amz-date;x-amz-target, "
            + $"Signature={signature}");
    }

    private static void Replace(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }
}
