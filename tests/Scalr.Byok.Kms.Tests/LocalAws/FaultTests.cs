using System.Diagnostics;
using System.Net;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

[CancelAfter(30_000)]
public sealed class FaultTests
{
    [Test]
    public async Task Error_speaks_the_service_s_own_language()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Error("KMSInternalException", 500, "oops") with { Service = "kms" });
        aws.Server.Faults.Add(Fault.Error("RegionDisabledException", 403) with { Service = "sts" });
        using var kms = aws.Kms();
        using var sts = aws.Sts();

        Assert.That(() => kms.ListKeysAsync(new()), Throws.InstanceOf<KMSInternalException>()
            .With.Message.EqualTo("oops").And.Property("StatusCode").EqualTo(HttpStatusCode.InternalServerError));
        Assert.That(() => sts.GetCallerIdentityAsync(new()), Refused("RegionDisabledException"));
    }

    [Test]
    public async Task Error_tells_when_to_come_back()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Error("ThrottlingException", retryAfter: TimeSpan.FromMilliseconds(1500)));
        using var http = new HttpClient();

        var answer = await http.PostAsync(aws.Server.Endpoint, new StringContent("Action=GetCallerIdentity"));

        Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(2)));
        Assert.That(answer.Headers.GetValues("x-amz-retry-after"), Is.EqualTo(["1500"]));
    }

    [Test]
    public async Task A_fault_hits_only_what_its_filters_name()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1, multiRegion: true);
        var replica = key.Replicate(East2);
        var other = aws.Account.CreateKey(East1);
        var blob = await aws.EncryptAsync(key);

        async Task Hits(Fault fault, bool encrypt, bool decrypt, bool elsewhere, bool otherKey)
        {
            aws.Server.Faults.Add(fault);
            await Assert.ThatAsync(() => aws.EncryptAsync(key), encrypt ? Refused("Oops") : Throws.Nothing);
            await Assert.ThatAsync(() => aws.DecryptAsync(blob), decrypt ? Refused("Oops") : Throws.Nothing);
            await Assert.ThatAsync(() => aws.EncryptAsync(replica), elsewhere ? Refused("Oops") : Throws.Nothing);
            await Assert.ThatAsync(() => aws.EncryptAsync(other), otherKey ? Refused("Oops") : Throws.Nothing);
            aws.Server.Faults.Remove(fault);
        }

        await Hits(Fault.Error("Oops"), true, true, true, true);
        await Hits(Fault.Error("Oops") with { Operation = "Encrypt" }, true, false, true, true);
        await Hits(Fault.Error("Oops") with { Region = East2 }, false, false, true, false);
        await Hits(Fault.Error("Oops") with { Key = key.Arn }, true, true, false, false);
        await Hits(Fault.Error("Oops") with { Key = key.Arn, Operation = "Decrypt" }, false, true, false, false);
        await Hits(Fault.Error("Oops") with { Service = "sts" }, false, false, false, false);
    }

    [Test]
    public async Task A_fault_is_used_up_after_its_times_and_the_next_one_follows()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Error("First") with { Times = 2 });
        aws.Server.Faults.Add(Fault.Error("Second") with { Times = 1 });
        using var kms = aws.Kms();

        foreach (var code in new[] { "First", "First", "Second" })
        {
            Assert.That(() => kms.ListKeysAsync(new()), Refused(code));
        }

        Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
    }

    [Test]
    public async Task Equal_faults_count_each_for_itself()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Error("Oops") with { Times = 1 });
        var second = aws.Server.Faults.Add(Fault.Error("Oops") with { Times = 1 });
        using var kms = aws.Kms();

        aws.Server.Faults.Remove(second);

        Assert.That(() => kms.ListKeysAsync(new()), Refused("Oops"));
        Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
    }

    [Test]
    public async Task Probability_hits_its_share_of_the_requests()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Error("ThrottlingException") with { Probability = 0.5 });
        using var kms = aws.Kms();

        for (var i = 0; i < 200; i++)
        {
            await TryAsync(kms);
        }

        Assert.That(aws.Server.Log.Requests.Count(request => request.ErrorCode is not null), Is.InRange(70, 130));
    }

    [Test]
    public async Task Throttle_lets_its_number_through_in_each_window()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Throttle(2, TimeSpan.FromSeconds(1)));
        using var kms = aws.Kms();

        for (var window = 0; window < 2; window++)
        {
            Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
            Assert.That(() => kms.ListKeysAsync(new()), Throws.Nothing);
            Assert.That(() => kms.ListKeysAsync(new()), Refused("ThrottlingException"));
            aws.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public async Task Latency_answers_as_usual_but_late()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Latency(TimeSpan.FromMilliseconds(200)));
        using var kms = aws.Kms();
        var clock = Stopwatch.StartNew();

        await kms.ListKeysAsync(new());

        Assert.That(clock.ElapsedMilliseconds, Is.GreaterThanOrEqualTo(190));
    }

    [Test]
    public async Task Drop_resets_the_connection_before_an_answer()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        aws.Server.Faults.Add(Fault.Drop());
        using var kms = aws.Kms();

        Assert.That(() => kms.DisableKeyAsync(key.Arn), Throws.InstanceOf<HttpRequestException>().Or.InstanceOf<IOException>());
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Enabled));
        Assert.That(aws.Server.Log.Requests.Single().ErrorCode, Is.EqualTo("fault:Drop"));
    }

    [Test]
    public async Task CutBody_resets_the_connection_in_the_middle_of_the_answer()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.CutBody());
        using var kms = aws.Kms();

        Assert.That(() => kms.ListKeysAsync(new()), Throws.InstanceOf<Exception>());
        using var http = new HttpClient();
        using var answer = await http.SendAsync(Unsigned(aws), HttpCompletionOption.ResponseHeadersRead);
        Assert.That(answer.Content.Headers.ContentLength, Is.GreaterThan(0));
        Assert.That(() => answer.Content.ReadAsByteArrayAsync(), Throws.InstanceOf<HttpRequestException>().Or.InstanceOf<IOException>());
    }

    [Test]
    public async Task StalledBody_sends_half_of_the_answer_and_then_nothing()
    {
        var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.StalledBody());
        using var http = new HttpClient();
        using var answer = await http.SendAsync(Unsigned(aws), HttpCompletionOption.ResponseHeadersRead);
        using var body = await answer.Content.ReadAsStreamAsync();
        var length = (int)answer.Content.Headers.ContentLength!;

        await body.ReadExactlyAsync(new byte[length / 2]);
        var rest = body.ReadAsync(new byte[1]).AsTask();

        Assert.That(rest.IsCompleted, Is.False);
        await aws.DisposeAsync();
        Assert.That(() => rest, Throws.InstanceOf<Exception>());
    }

    [Test]
    public async Task BlackHole_says_nothing_until_the_client_gives_up()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.BlackHole());
        using var kms = aws.Kms();
        using var patience = new CancellationTokenSource();

        var call = kms.ListKeysAsync(new(), patience.Token);
        await LoggedAsync(aws, "ListKeys");
        Assert.That(call.IsCompleted, Is.False);
        await patience.CancelAsync();

        Assert.That(() => call, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Body_puts_any_answer_in_AWS_s_place()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();

        aws.Server.Faults.Add(Fault.Body(403, "text/html", "<html>blocked</html>") with { Times = 1 });
        Assert.That(() => kms.ListKeysAsync(new()), Throws.InstanceOf<AmazonKeyManagementServiceException>()
            .With.Property("ErrorCode").Null.And.Property("StatusCode").EqualTo(HttpStatusCode.Forbidden));
        aws.Server.Faults.Add(Fault.Body(200, "application/x-amz-json-1.1", string.Empty) with { Times = 1 });
        Assert.That(() => kms.ListKeysAsync(new()), Throws.InstanceOf<AmazonUnmarshallingException>());
        aws.Server.Faults.Add(Fault.Body(200, "application/x-amz-json-1.1", "{}") with { Times = 1 });
        Assert.That((await kms.DecryptAsync(new DecryptRequest { CiphertextBlob = Bytes("x") })).Plaintext, Is.Null);
    }

    [Test]
    public async Task Dispose_does_not_wait_for_requests_that_hang()
    {
        var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.BlackHole());
        using var kms = aws.Kms();
        var calls = Enumerable.Range(0, 10).Select(_ => kms.ListKeysAsync(new())).ToList();
        await LoggedAsync(aws, "ListKeys");

        // The requests hang without a limit, so any wait for them would last for the whole time of this one.
        await aws.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(() => Task.WhenAll(calls), Throws.InstanceOf<Exception>());
    }

    private static HttpRequestMessage Unsigned(LocalAwsFixture aws) =>
        new(HttpMethod.Post, aws.Server.Endpoint) { Content = new StringContent("Action=GetCallerIdentity") };

    private static async Task TryAsync(AmazonKeyManagementServiceClient kms)
    {
        try
        {
            await kms.ListKeysAsync(new());
        }
        catch (AmazonServiceException)
        {
            // Which ones are hit is what the log is asked for.
        }
    }

    private static async Task LoggedAsync(LocalAwsFixture aws, string operation)
    {
        while (aws.Server.Log.Count(operation) == 0)
        {
            await Task.Yield();
        }
    }
}
