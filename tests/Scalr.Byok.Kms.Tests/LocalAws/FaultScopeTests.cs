using System.Net;
using Amazon.Runtime;
using Amazon.SecurityToken;
using LocalAws;
using NUnit.Framework.Constraints;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>Faults of one service, one action, one Region or one key, and what they leave alone; late answers; Retry-After.</summary>
[CancelAfter(30_000)]
public sealed class FaultScopeTests
{
    [Test]
    public async Task One_service_fails_and_the_other_answers(
        [Values("sts", "kms")] string service, [Values("Throttling", "InternalFailure")] string code)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        using var sts = aws.Sts();
        aws.Server.Faults.Add(Fault.Error(code, code == "Throttling" ? 400 : 500) with { Service = service });

        await Assert.ThatAsync(() => sts.GetCallerIdentityAsync(new()), service == "sts" ? Refused(code) : Throws.Nothing);
        await Assert.ThatAsync(() => aws.EncryptAsync(key), service == "kms" ? Refused(code) : Throws.Nothing);
    }

    [Test]
    public async Task One_service_is_silent_and_the_other_answers()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        using var sts = aws.Sts();
        using var patience = new CancellationTokenSource();
        aws.Server.Faults.Add(Fault.BlackHole() with { Service = "sts" });

        var silent = sts.GetCallerIdentityAsync(new(), patience.Token);
        await aws.EncryptAsync(key);

        Assert.That(silent.IsCompleted, Is.False);
        await patience.CancelAsync();
        await Assert.ThatAsync(() => silent, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task DescribeKey_alone_fails_in_one_Region()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1, multiRegion: true);
        var replica = key.Replicate(East2);
        aws.Server.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = "DescribeKey", Region = East1 });
        using var here = aws.Kms();
        using var there = aws.Kms(region: East2);

        Assert.That(() => here.DescribeKeyAsync(key.Arn), Refused("InternalFailure"));
        Assert.That(() => there.DescribeKeyAsync(replica.Arn), Throws.Nothing);
        Assert.That(async () => await aws.DecryptAsync(await aws.EncryptAsync(key)), Throws.Nothing);
    }

    // AssumeRoleWithWebIdentity is not signed, so only the address tells its Region.
    [Test]
    public async Task An_unsigned_call_belongs_to_the_Region_of_its_endpoint()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await LocalIssuer.StartAsync("https://scalr.io", aws.Time);
        aws.Account.CreateOidcProvider("https://scalr.io", ["scalr_kms"], issuer.Address);
        var role = aws.Account.CreateRole("oidc", TrustPolicies.WebIdentity(aws.Account.Id, "scalr_kms", "account:*"));
        aws.Server.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "sts", Region = East1 });

        foreach (var (endpoint, region, outcome) in (IEnumerable<(Uri, string, IResolveConstraint)>)
        [
            (aws.Server.Endpoint, East1, Refused("InternalFailure")),
            (aws.Server.EndpointIn(East1), East1, Refused("InternalFailure")),
            (aws.Server.EndpointIn(East2), East2, Throws.Nothing),
        ])
        {
            using var sts = new AmazonSecurityTokenServiceClient(
                new AnonymousAWSCredentials(),
                new AmazonSecurityTokenServiceConfig
                {
                    ServiceURL = endpoint.ToString(),
                    AuthenticationRegion = region,
                    MaxErrorRetry = 0,
                });
            await Assert.ThatAsync(
                () => sts.AssumeRoleWithWebIdentityAsync(
                    new()
                    {
                        RoleArn = role.Arn,
                        RoleSessionName = "scalr",
                        WebIdentityToken = issuer.CreateToken("scalr_kms", "account:acme"),
                    }),
                outcome);
            Assert.That(aws.Server.Log.Requests[^1].Region, Is.EqualTo(region));
        }
    }

    [Test]
    public async Task A_signed_call_belongs_to_the_Region_of_its_signature_on_every_endpoint()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var sts = new AmazonSecurityTokenServiceClient(
            Of(aws.Admin),
            new AmazonSecurityTokenServiceConfig { ServiceURL = aws.Server.EndpointIn(East2).ToString(), AuthenticationRegion = East1 });

        await sts.GetCallerIdentityAsync(new());

        Assert.That(aws.Server.Log.Requests.Single().Region, Is.EqualTo(East1));
    }

    [Test]
    public async Task Hold_carries_the_request_out_at_once_and_answers_when_it_is_released()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var release = new TaskCompletionSource();
        aws.Server.Faults.Add(Fault.Hold(release.Task) with { Operation = "Encrypt", Times = 1 });

        var held = aws.EncryptAsync(key);
        while (aws.Server.Log.Count("Encrypt") == 0)
        {
            await Task.Yield();
        }

        key.Disable();
        aws.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(() => aws.EncryptAsync(key), Refused("DisabledException"), "answered before the one that is held");
        Assert.That(held.IsCompleted, Is.False);
        release.SetResult();

        Assert.That((await held).Length, Is.GreaterThan(0), "it was accepted before the key was disabled");
    }

    [Test]
    public async Task Throttling_says_when_to_come_back()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.Throttle(0, TimeSpan.FromSeconds(1), retryAfter: TimeSpan.Zero) with { Times = 1 });
        aws.Server.Faults.Add(Fault.Throttle(1, TimeSpan.FromSeconds(1), retryAfter: TimeSpan.FromSeconds(30)));
        using var http = new HttpClient();

        Assert.That(await RetryAfterAsync(), Is.EqualTo((HttpStatusCode.BadRequest, TimeSpan.Zero)));
        Assert.That((await RetryAfterAsync()).Wait, Is.Null, "one in a second is answered as usual");
        Assert.That(await RetryAfterAsync(), Is.EqualTo((HttpStatusCode.BadRequest, TimeSpan.FromSeconds(30))));

        async Task<(HttpStatusCode Status, TimeSpan? Wait)> RetryAfterAsync()
        {
            using var answer = await http.PostAsync(aws.Server.Endpoint, new StringContent("Action=GetCallerIdentity"));
            return (answer.StatusCode, answer.Headers.RetryAfter?.Delta);
        }
    }

    [Test]
    public async Task AccessDenied_can_be_a_fault_of_one_key_and_action()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, other) = (aws.Account.CreateKey(East1), aws.Account.CreateKey(East1));
        var (blob, otherBlob) = (await aws.EncryptAsync(key), await aws.EncryptAsync(other));
        aws.Server.Faults.Add(Fault.Error("AccessDeniedException", 400, "not authorized") with { Operation = "Decrypt", Key = key.Arn });

        Assert.That(() => aws.DecryptAsync(blob, key), Refused("AccessDeniedException"));
        Assert.That(() => aws.DecryptAsync(otherBlob, other), Throws.Nothing);
        Assert.That(() => aws.EncryptAsync(key), Throws.Nothing);
    }
}
