using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>What the operator may decide, what is said otherwise, and what is filled in.</summary>
internal sealed class ByokOptionsValidatorTests
{
    private const string HttpsOnly = "must be an https address; plain http is accepted on loopback only.";

    private static readonly string[] DefaultRegions = ["us-east-1", "us-east-2"];

    public static IEnumerable<TestCaseData> Good()
    {
        yield return Case("the default", _ => { });
        yield return Case("Regions of every partition", o => o.AllowedRegions = ["eu-central-1", "cn-north-1", "us-gov-west-1"]);
        yield return Case(
            "an access key", o => o.HostIdentity = new() { AccessKeyId = Validated.AccessKeyId, SecretAccessKey = Validated.Secret });
        yield return Case(
            "a session", o => o.HostIdentity = new() { AccessKeyId = "ASIAIOSFODNN7EXAMPLE", SecretAccessKey = "s", SessionToken = "t" });
        yield return Case("no host identity", o => o.HostIdentity = null!);
        yield return Case("a session of 15 minutes", o => o.SessionDuration = TimeSpan.FromMinutes(15));
        yield return Case("a session of 12 hours", o => o.SessionDuration = TimeSpan.FromHours(12));
        yield return Case(
            "equal time limits",
            o => (o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1)));
        yield return Case("10 milliseconds", o => o.Resilience.AttemptTimeout = TimeSpan.FromMilliseconds(10));
        yield return Case("one call at a time", o => o.Resilience.MaxConcurrentCalls = 1);
        yield return Case("key rings idle for a minute", o => o.KeyRingIdleTimeout = TimeSpan.FromMinutes(1));
        yield return Case("key rings idle for 30 days", o => o.KeyRingIdleTimeout = TimeSpan.FromDays(30));
        yield return Case("frames of 16", o => o.FrameLength = 16);
        yield return Case("frames of 16 MiB", o => o.FrameLength = 16_777_216);
        yield return Case("messages of 1 KiB", o => o.MaxMessageLength = 1024);
        yield return Case("messages of any length", o => o.MaxMessageLength = long.MaxValue);
        yield return Case("headers of 1 KiB", o => o.MaxHeaderLength = 1024);
        yield return Case("headers of 16 MiB", o => o.MaxHeaderLength = 16_777_216);
        yield return Case("streamed frames as long as those written", o => (o.FrameLength, o.MaxFrameLength) = (100_000, 100_000));
        yield return Case("streamed frames of 1 GiB", o => o.MaxFrameLength = 1_073_741_824);
        yield return Case("one thread", o => o.MaxDegreeOfParallelism = 1);
        yield return Case("1 encrypted data key", o => o.MaxEncryptedDataKeys = 1);
        yield return Case("65535 encrypted data keys", o => o.MaxEncryptedDataKeys = 65_535);
        yield return Case("endpoints", o =>
        {
            o.Endpoints.Kms["us-east-1"] = new Uri("https://vpce-1.kms.us-east-1.vpce.amazonaws.com");
            o.Endpoints.Kms["*"] = new Uri("http://localhost:4566");
            o.Endpoints.Sts["*"] = new Uri("http://127.0.0.1:1");
            o.Endpoints.Sts["us-east-2"] = new Uri("http://[::1]:1");
        });
        yield return Case("no account id", o => o.HostAccountId = null);
        yield return Case("a hundred previous keys", o => o.MaxPreviousKeys = 100);
        yield return Case("no previous keys", o => o.MaxPreviousKeys = 0);
        yield return Case("no endpoints", o => o.Endpoints = null!);
        yield return Case("no endpoints of either", o => (o.Endpoints.Kms, o.Endpoints.Sts) = (null!, null!));
    }

    public static IEnumerable<TestCaseData> Bad()
    {
        yield return Case("Regions that are none", o => o.AllowedRegions = ["us-east-1", "US-EAST-1", "", null!, "Frankfurt"],
            "AllowedRegions:1: Not an AWS Region: found 'US-EAST-1'; expected a name in lower case such as 'us-east-1'.",
            "AllowedRegions:2: Not an AWS Region: the text is empty; expected a name in lower case such as 'us-east-1'.",
            "AllowedRegions:3: Not an AWS Region: the text is empty; expected a name in lower case such as 'us-east-1'.",
            "AllowedRegions:4: Not an AWS Region: the text, 9 characters long and not shown, is none; expected a name in lower case "
            + "such as 'us-east-1'.");
        yield return Case("half an access key", o => o.HostIdentity = new() { AccessKeyId = Validated.AccessKeyId },
            "HostIdentity: AccessKeyId and SecretAccessKey belong together; give both or, for the AWS SDK's default credentials chain, "
            + "neither.");
        yield return Case("the other half", o => o.HostIdentity = new() { SecretAccessKey = "S3cret" },
            "HostIdentity: AccessKeyId and SecretAccessKey belong together; give both or, for the AWS SDK's default credentials chain, "
            + "neither.");
        yield return Case(
            "a token alone",
            o => o.HostIdentity = new() { SessionToken = "S3cret" },
            "HostIdentity:SessionToken is given without AccessKeyId.");
        yield return Case(
            "an account id of 11 digits", o => o.HostAccountId = "11112222333", "HostAccountId is not an AWS account id of 12 digits.");
        yield return Case(
            "an account id with a letter", o => o.HostAccountId = "11112222333x", "HostAccountId is not an AWS account id of 12 digits.");
        yield return Case(
            "an empty account id",
            o => o.HostAccountId = "",
            "HostAccountId is empty. Set it to the AWS account of the host, 12 digits, or leave it out.");
        yield return Case("less than no previous key", o => o.MaxPreviousKeys = -1, "MaxPreviousKeys is -1; it must be 0 to 100.");
        yield return Case("hundreds of previous keys", o => o.MaxPreviousKeys = 101, "MaxPreviousKeys is 101; it must be 0 to 100.");
        yield return Case("no session name", o => o.RoleSessionName = null!, "RoleSessionName is missing; customers see it in CloudTrail.");
        yield return Case(
            "a blank session name", o => o.RoleSessionName = " ", "RoleSessionName is missing; customers see it in CloudTrail.");
        yield return Case(
            "a short session",
            o => o.SessionDuration = TimeSpan.FromSeconds(899),
            "SessionDuration is 00:14:59; AWS STS accepts 00:15:00 to 12:00:00.");
        yield return Case(
            "a long session",
            o => o.SessionDuration = TimeSpan.FromSeconds(43_201),
            "SessionDuration is 12:00:01; AWS STS accepts 00:15:00 to 12:00:00.");
        yield return Case("no resilience", o => o.Resilience = null!, "Resilience is missing.");
        yield return Case("no time for an attempt", o => o.Resilience.AttemptTimeout = TimeSpan.Zero,
            "Resilience:AttemptTimeout is 00:00:00; it must be 10 milliseconds or more and not above TotalTimeout.");
        yield return Case("endless attempts", o => o.Resilience.AttemptTimeout = Timeout.InfiniteTimeSpan,
            "Resilience:AttemptTimeout is -00:00:00.0010000; it must be 10 milliseconds or more and not above TotalTimeout.");
        yield return Case("an attempt longer than all", o => o.Resilience.TotalTimeout = TimeSpan.FromSeconds(1),
            "Resilience:AttemptTimeout is 00:00:02; it must be 10 milliseconds or more and not above TotalTimeout.");
        yield return Case(
            "more than an hour",
            o => o.Resilience.TotalTimeout = TimeSpan.FromMinutes(61),
            "Resilience:TotalTimeout is 01:01:00; it must be at most 1 hour.");
        yield return Case(
            "no connection",
            o => o.Resilience.MaxConnectionsPerEndpoint = 0,
            "Resilience:MaxConnectionsPerEndpoint is 0; it must be 1 or more.");
        yield return Case(
            "no call at a time", o => o.Resilience.MaxConcurrentCalls = 0, "Resilience:MaxConcurrentCalls is 0; it must be 1 or more.");
        yield return Case("key rings idle for less than a minute", o => o.KeyRingIdleTimeout = TimeSpan.FromSeconds(59),
            "KeyRingIdleTimeout is 00:00:59; it must be 1 minute to 30 days.");
        yield return Case("key rings idle for more than 30 days", o => o.KeyRingIdleTimeout = TimeSpan.FromSeconds(2_592_001),
            "KeyRingIdleTimeout is 30.00:00:01; it must be 1 minute to 30 days.");
        yield return Case("frames of 15", o => o.FrameLength = 15, "FrameLength is 15; it must be 16 to 16777216.");
        yield return Case("frames above 16 MiB", o => o.FrameLength = 16_777_217, "FrameLength is 16777217; it must be 16 to 16777216.");
        yield return Case(
            "messages of less than 1 KiB", o => o.MaxMessageLength = 1023, "MaxMessageLength is 1023; it must be 1024 or more.");
        yield return Case(
            "headers of less than 1 KiB", o => o.MaxHeaderLength = 1023, "MaxHeaderLength is 1023; it must be 1024 to 16777216.");
        yield return Case(
            "headers above 16 MiB", o => o.MaxHeaderLength = 16_777_217, "MaxHeaderLength is 16777217; it must be 1024 to 16777216.");
        yield return Case(
            "streamed frames below 64 KiB",
            o => (o.FrameLength, o.MaxFrameLength) = (16, 65_535),
            "MaxFrameLength is 65535; it must be 65536 to 1073741824.");
        yield return Case(
            "streamed frames above 1 GiB",
            o => o.MaxFrameLength = 1_073_741_825,
            "MaxFrameLength is 1073741825; it must be 65536 to 1073741824.");
        yield return Case("frames that could not be streamed back", o => (o.FrameLength, o.MaxFrameLength) = (100_001, 100_000),
            "FrameLength is 100001 but MaxFrameLength is 100000: this host could not decrypt its own streams.");
        yield return Case("no thread", o => o.MaxDegreeOfParallelism = 0, "MaxDegreeOfParallelism is 0; it must be 1 or more.");
        yield return Case("no encrypted data key", o => o.MaxEncryptedDataKeys = 0, "MaxEncryptedDataKeys is 0; it must be 1 to 65535.");
        yield return Case(
            "65536 encrypted data keys", o => o.MaxEncryptedDataKeys = 65_536, "MaxEncryptedDataKeys is 65536; it must be 1 to 65535.");
        yield return Case(
            "http off loopback", o => o.Endpoints.Kms["*"] = new Uri("http://kms.us-east-1.amazonaws.com"), $"Endpoints:Kms:* {HttpsOnly}");
        yield return Case(
            "http in a private network",
            o => o.Endpoints.Sts["us-east-1"] = new Uri("http://10.0.0.1"),
            $"Endpoints:Sts:us-east-1 {HttpsOnly}");
        yield return Case(
            "http on what only looks like loopback",
            o => o.Endpoints.Kms["*"] = new Uri("http://localhost.example.org"),
            $"Endpoints:Kms:* {HttpsOnly}");
        yield return Case("another scheme", o => o.Endpoints.Sts["*"] = new Uri("ftp://localhost"), $"Endpoints:Sts:* {HttpsOnly}");
        yield return Case("half an address", o => o.Endpoints.Kms["*"] = new Uri("/kms", UriKind.Relative), $"Endpoints:Kms:* {HttpsOnly}");
        yield return Case("no address", o => o.Endpoints.Kms["*"] = null!, $"Endpoints:Kms:* {HttpsOnly}");
        yield return Case("an endpoint of no Region", o => o.Endpoints.Sts["everywhere"] = new Uri("https://localhost"),
            "Endpoints:Sts: 'everywhere' is neither the name of an AWS Region, which is in lower case, nor *.");
        yield return Case("no key event options", o => o.KeyEvents = null!, "KeyEvents is missing.");
        yield return Case(
            "key event options out of range",
            o => o.KeyEvents = new()
            {
                HoldTime = TimeSpan.FromHours(2),
                QueryInterval = TimeSpan.FromSeconds(59),
                ObserverTimeout = TimeSpan.Zero,
                MaxQueued = 0,
            },
            "KeyEvents:HoldTime is 02:00:00; it must be zero to 1 hour.",
            "KeyEvents:QueryInterval is 00:00:59; it must be 1 minute to 1 day, or zero, which turns the queries off.",
            "KeyEvents:ObserverTimeout is 00:00:00; it must be 1 second to 1 hour.",
            "KeyEvents:MaxQueued is 0; it must be 1 to 100000.");
        yield return Case("everything", o =>
        {
            o.AllowedRegions = ["x"];
            o.HostIdentity = new() { SecretAccessKey = "S3cret", SessionToken = "S3cret" };
            o.RoleSessionName = "";
            o.SessionDuration = TimeSpan.Zero;
            o.Resilience = null!;
            o.Endpoints.Kms["x"] = new Uri("http://x");
            o.FrameLength = 0;
            o.MaxEncryptedDataKeys = -1;
        },
            "AllowedRegions:0: Not an AWS Region: the text, 1 character long and not shown, is none; expected a name in lower case such "
            + "as 'us-east-1'.",
            "HostIdentity: AccessKeyId and SecretAccessKey belong together; give both or, for the AWS SDK's default credentials chain, "
            + "neither.",
            "HostIdentity:SessionToken is given without AccessKeyId.",
            "RoleSessionName is missing; customers see it in CloudTrail.",
            "SessionDuration is 00:00:00; AWS STS accepts 00:15:00 to 12:00:00.",
            "Resilience is missing.",
            "Endpoints:Kms: 'x' is neither the name of an AWS Region, which is in lower case, nor *.",
            $"Endpoints:Kms:x {HttpsOnly}",
            "FrameLength is 0; it must be 16 to 16777216.",
            "MaxEncryptedDataKeys is -1; it must be 1 to 65535.");
    }

    [TestCaseSource(nameof(Good))]
    public void Validate_accepts_good_options(Action<ByokOptions> change, string[] complaints)
    {
        using var provider = new ServiceCollection().AddScalrByok(change).Services.BuildServiceProvider();

        Assert.That(() => provider.GetRequiredService<IOptions<ByokOptions>>().Value, Throws.Nothing);
        Assert.That(complaints, Is.Empty);
        Assert.That(
            () => provider.GetRequiredService<AwsClientConfiguration>().ForKms("us-east-1"),
            Throws.Nothing,
            "what is accepted can be used");
        Assert.That(() => provider.GetRequiredService<StsClients>().AsHost("us-east-1"), Throws.Nothing);
    }

    [TestCaseSource(nameof(Bad))]
    public void Validate_says_what_is_wrong(Action<ByokOptions> change, string[] complaints)
    {
        var found = Validated.Options(services => services.AddScalrByok(change)).Complaints;

        Assert.That(found, Is.EqualTo(complaints));
        Assert.That(found, Has.None.Contains("S3cret"));
    }

    [Test]
    public void AllowedRegions_are_two_by_default([Values] bool nulled)
    {
        var (options, _) = Validated.Options(services => services.AddScalrByok(o => o.AllowedRegions = nulled ? null! : o.AllowedRegions));

        Assert.That(options!.AllowedRegions, Is.EqualTo(DefaultRegions));
    }

    [TestCase("""{ "Byok": { "AllowedRegions": [ "eu-central-1" ] } }""", "eu-central-1")]
    [TestCase("""{ "Byok": { "AllowedRegions": [ "us-east-2", "us-west-2" ] } }""", "us-east-2", "us-west-2")]
    [TestCase("""{ }""", "us-east-1", "us-east-2")]
    public void AllowedRegions_from_configuration_replace_the_default(string json, params string[] expected)
    {
        var (options, complaints) = Validated.Options(services => services.AddScalrByok(Validated.Json(json).GetSection("Byok")));

        Assert.That(complaints, Is.Empty);
        Assert.That(options!.AllowedRegions, Is.EqualTo(expected));
    }

    [TestCase("""{ "AllowedRegions": [ "eu-central-1" ] }""")]
    [TestCase("""{ "AllowedRegions": "eu-central-1" }""")]
    public void AllowedRegions_from_configuration_replace_those_from_code(string json)
    {
        foreach (var fromCode in (IList<string>[])[["us-east-1"], new[] { "us-east-1" }])
        {
            var (options, complaints) = Validated.Options(services =>
                services.AddScalrByok(o => o.AllowedRegions = fromCode).Services.AddScalrByok(Validated.Json(json)));

            Assert.That(complaints, Is.Empty);
            Assert.That(options!.AllowedRegions, Is.EqualTo((string[])["eu-central-1"]));
        }
    }

    [Test]
    public void Every_option_binds_from_configuration()
    {
        var (options, _) = Validated.Options(services => services.AddScalrByok(Validated.Json(
            """
            {
              "AllowedRegions": [ "eu-central-1" ],
              "HostIdentity": { "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "s", "SessionToken": "t" },
              "HostAccountId": "999988887777",
              "AllowHostAccount": true,
              "AllowSharedKeys": true,
              "MaxPreviousKeys": 7,
              "RestrictSessions": false,
              "RoleSessionName": "acme-host",
              "SessionDuration": "00:30:00",
              "Endpoints": { "Kms": { "*": "https://kms.example.org" }, "Sts": { "eu-central-1": "http://localhost:8080" }, "UseSystemProxy": false },
              "FailoverOnRevokedReplica": true,
              "ConfirmationInterval": "00:00:30",
              "RoleCheckInterval": "00:04:00",
              "KeyRingIdleTimeout": "02:00:00",
              "DataKeyCache": { "MaxAge": "00:02:00", "MaxMessages": 7, "MaxBytes": 8, "MaxKeys": 9, "OutageGrace": "00:10:00" },
              "Resilience": {
                "TotalTimeout": "00:00:20", "AttemptTimeout": "00:00:05", "MaxRetryAttempts": 7, "RetryDelay": "00:00:01",
                "BreakerFailureRatio": 0.75, "BreakerMinimumThroughput": 8, "BreakerSamplingDuration": "00:01:00", "BreakDuration": "00:00:30",
                "MaxConcurrentCalls": 6, "MaxConnectionsPerEndpoint": 77
              },
              "KeyEvents": { "HoldTime": "00:00:10", "QueryInterval": "01:00:00", "ObserverTimeout": "00:00:05", "MaxQueued": 50 },
              "FrameLength": 4096,
              "MaxEncryptedDataKeys": 3,
              "MaxMessageLength": 5000000000,
              "MaxHeaderLength": 2048,
              "MaxFrameLength": 70000,
              "MaxDegreeOfParallelism": 5
            }
            """)));

        Assert.That(options!.AllowedRegions, Has.Count.EqualTo(1).And.Contains("eu-central-1"));
        Assert.That(
            (options.HostIdentity.AccessKeyId, options.HostIdentity.SecretAccessKey, options.HostIdentity.SessionToken),
            Is.EqualTo(("ASIAIOSFODNN7EXAMPLE", "s", "t")));
        Assert.That((options.HostAccountId, options.RestrictSessions), Is.EqualTo(("999988887777", false)));
        Assert.That((options.AllowHostAccount, options.AllowSharedKeys, options.MaxPreviousKeys), Is.EqualTo((true, true, 7)));
        Assert.That((options.RoleSessionName, options.SessionDuration), Is.EqualTo(("acme-host", TimeSpan.FromMinutes(30))));
        Assert.That(options.Endpoints.Kms["*"], Is.EqualTo(new Uri("https://kms.example.org")));
        Assert.That(options.Endpoints.Sts["eu-central-1"], Is.EqualTo(new Uri("http://localhost:8080")));
        Assert.That(
            (options.Resilience.TotalTimeout, options.Resilience.AttemptTimeout),
            Is.EqualTo((TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5))));
        Assert.That((options.Resilience.MaxRetryAttempts, options.Resilience.RetryDelay), Is.EqualTo((7, TimeSpan.FromSeconds(1))));
        Assert.That((options.Resilience.BreakerFailureRatio, options.Resilience.BreakerMinimumThroughput), Is.EqualTo((0.75, 8)));
        Assert.That(
            (options.Resilience.BreakerSamplingDuration, options.Resilience.BreakDuration),
            Is.EqualTo((TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(30))));
        Assert.That((options.Resilience.MaxConcurrentCalls, options.KeyRingIdleTimeout), Is.EqualTo((6, TimeSpan.FromHours(2))));
        Assert.That((options.Resilience.MaxConnectionsPerEndpoint, options.Endpoints.UseSystemProxy), Is.EqualTo((77, false)));
        Assert.That((options.FailoverOnRevokedReplica, options.ConfirmationInterval), Is.EqualTo((true, TimeSpan.FromSeconds(30))));
        Assert.That(options.RoleCheckInterval, Is.EqualTo(TimeSpan.FromMinutes(4)));
        var cache = options.DataKeyCache;
        Assert.That((cache.MaxAge, cache.MaxMessages, cache.MaxBytes), Is.EqualTo((TimeSpan.FromMinutes(2), 7, 8)));
        Assert.That((cache.MaxKeys, cache.OutageGrace), Is.EqualTo((9, TimeSpan.FromMinutes(10))));
        var events = options.KeyEvents;
        Assert.That((events.HoldTime, events.QueryInterval), Is.EqualTo((TimeSpan.FromSeconds(10), TimeSpan.FromHours(1))));
        Assert.That((events.ObserverTimeout, events.MaxQueued), Is.EqualTo((TimeSpan.FromSeconds(5), 50)));
        Assert.That(typeof(ByokKeyEventOptions).GetProperties(), Has.Length.EqualTo(4), "a new option wants a line here");
        Assert.That(typeof(ByokDataKeyCacheOptions).GetProperties(), Has.Length.EqualTo(5), "a new option wants a line here");
        Assert.That(typeof(ByokResilienceOptions).GetProperties(), Has.Length.EqualTo(11), "a new option wants a line here");
        Assert.That((options.FrameLength, options.MaxEncryptedDataKeys), Is.EqualTo((4096, 3)));
        Assert.That((options.MaxMessageLength, options.MaxHeaderLength, options.MaxFrameLength), Is.EqualTo((5_000_000_000, 2048, 70_000)));
        Assert.That(options.MaxDegreeOfParallelism, Is.EqualTo(5));
        Assert.That(typeof(ByokOptions).GetProperties(), Has.Length.EqualTo(23), "a new option wants a line here");
    }

    private static TestCaseData Case(string name, Action<ByokOptions> change, params string[] complaints) =>
        new TestCaseData(change, complaints).SetArgDisplayNames(name);
}
