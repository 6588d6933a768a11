using System.Diagnostics;
using System.Text;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.Conventions;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokAuditCause;

namespace Scalr.Byok.Kms.Tests.Audit;

/// <summary>Each request that AWS receives has exactly one audit record.</summary>
[CancelAfter(120_000)]
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class AuditTests
{
    private static readonly Dictionary<string, string> Context = new() { ["variable"] = "context-value-8d11f", ["app"] = "value-2" };
    private static readonly byte[] Plaintext = Encoding.UTF8.GetBytes("plaintext-77d1c0");
    private static readonly string[] ContextNames = ["app", "variable"];

    private readonly string _type;
    private ByokWorld _world = null!;

    public AuditTests(string type) => _type = type;

    private static TimeSpan Interval => TimeSpan.FromSeconds(60);

    private string? RoleArn => _world.Settings(_type).Credentials.RoleArn;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Calls_are_recorded_with_all_facts()
    {
        var host = new AuditHost(_world, _type);

        var message = await host.Ring.EncryptAsync(Plaintext, Context);
        await host.Ring.DecryptAsync(message, Context);
        await host.Ring.ProbeAsync();

        await host.DemandOneRecordEachAsync();
        var records = host.Records.Where(record => record.RoleArn is null).ToList();
        Assert.That(
            records.Select(record => (record.Operation, record.Cause)),
            Is.EqualTo(new[] { ("kms:Encrypt", Call), ("kms:Decrypt", Call), ("kms:DescribeKey", Probe) }));
        Assert.That(records.Select(record => record.EncryptionContextNames), Is.EqualTo(new[] { ContextNames, ContextNames, [] }));
        Assert.That(records.Select(record => record.KeyMaterialId), Is.EqualTo(new[] { null, await MaterialIdAsync(), null }));
        Assert.That(host.Records.Select(record => record.Time), Is.All.EqualTo(_world.Time.GetUtcNow()));
        Assert.That(host.Records.Select(record => (record.Tenant, record.IsTenant)), Is.All.EqualTo(((string?)null, false)));
        Assert.That(
            host.Records.Where(record => record.RoleArn is not null).Select(record => (record.KeyArn, record.RoleArn, record.Cause)),
            Is.EqualTo(RoleArn is null ? [] : new[] { (_world.Key.Arn, RoleArn, Call) }));
    }

    [Test]
    public async Task Every_kind_of_use_has_one_record_per_request()
    {
        var replica = _world.Key.Replicate("us-east-2");
        var policy = Policies.Permissions(replica.Arn.Replace("us-east-2", "*", StringComparison.Ordinal));
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = policy;
        var host = new AuditHost(
            _world, _type, o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5), s => s.ReplicaRegions = ["us-east-2"]);
        var message = await host.Ring.EncryptAsync(Plaintext, Context);
        using var encrypted = new MemoryStream();
        await host.Ring.EncryptAsync(new MemoryStream(new byte[100_000]), encrypted, Context);
        using var key = await host.Ring.CreateDataKeyAsync(Context);
        await host.Ring.ReencryptAsync(message);
        await host.Ring.ProbeAsync();
        await host.Provider.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings(_type), tenant: null);

        // Confirmations, role checks and renewals, with an open data key.
        for (var i = 0; i < 20; i++)
        {
            await QuietAsync(host);
            _world.Time.Advance(Interval / 2);
            await host.Ring.DecryptAsync(message, Context);
            _ = key.EncryptText("value", ByokAssociatedData.None);
        }

        // A failover, a denial and its end.
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Region = "us-east-1", Service = "kms", Times = 3 });
        await host.Ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["other"] = "1" });
        _world.Aws.Faults.Clear();
        _world.Key.Disable();
        await QuietAsync(host);
        _world.Time.Advance(Interval);
        Assert.That(async () => await host.Ring.DecryptAsync(message, Context), Throws.InstanceOf<ByokKeyUnavailableException>());
        _world.Key.Enable();
        await QuietAsync(host);
        _world.Time.Advance(Interval);
        await host.Ring.DecryptAsync(message, Context);

        await QuietAsync(host);
        await host.DemandOneRecordEachAsync();
        ByokAuditCause[] causes = [Call, Confirmation, Renewal, Probe, ByokAuditCause.Verification];
        Assert.That(
            host.Records.Select(record => record.Cause).Distinct(), Is.EquivalentTo(RoleArn is null ? causes : [.. causes, RoleCheck]));
    }

    [Test]
    public async Task Faults_have_one_record_per_request(
        [Values(
            "Drop", "BlackHole", "StalledBody", "CutBody", "Body", "LongBody", "Throttle", "500", "ClockSkew", "AccessDenied", "Ended")]
        string name)
    {
        var host = new AuditHost(_world, _type, o => o.Resilience.MaxRetryAttempts = 2);
        await host.Ring.EncryptAsync(Plaintext, Context);
        var fault = name switch
        {
            "Drop" => Fault.Drop(),
            "BlackHole" => Fault.BlackHole(),
            "StalledBody" => Fault.StalledBody(),
            "CutBody" => Fault.CutBody(),
            "Body" => Fault.Body(200, "text/html", "<html>proxy</html>"),
            "LongBody" => Fault.LongBody(200, "application/x-amz-json-1.1", "{", 10_000_000),
            "Throttle" => Fault.Error("ThrottlingException", retryAfter: TimeSpan.FromMilliseconds(100)),
            "500" => Fault.Error("KMSInternalException", 500),
            "ClockSkew" => Fault.ClockSkew(TimeSpan.FromHours(1)),
            "AccessDenied" => Fault.Error("AccessDeniedException"),
            _ => Fault.Error("ExpiredTokenException"),
        };
        _world.Aws.Faults.Add(fault with { Service = "kms", Times = 2 });

        try
        {
            await HangingCalls.PassAsync(
                _world, host.Ring.EncryptAsync(Plaintext, Context).AsTask(), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(20));
        }
        catch (ByokException)
        {
            // Retries are separate requests; which of them succeeds is not the point here.
        }

        await host.DemandOneRecordEachAsync();
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.GreaterThan(1));
        var hasAnswers = name is not ("Drop" or "BlackHole" or "StalledBody" or "CutBody" or "Body" or "LongBody");
        Assert.That(
            host.Records.Count(record => record.Outcome == ByokAuditOutcome.NoAnswer), hasAnswers ? Is.Zero : Is.EqualTo(2), name);
    }

    [Test]
    public async Task A_late_answer_and_a_caller_that_cancels_have_one_record()
    {
        var host = new AuditHost(_world, _type);
        await host.Ring.EncryptAsync(Plaintext, Context);
        var release = new TaskCompletionSource();
        _world.Aws.Faults.Add(Fault.Hold(release.Task) with { Service = "kms", Times = 1 });
        using var stop = new CancellationTokenSource();

        var call = host.Ring.EncryptAsync(Plaintext, Context, stop.Token).AsTask();
        await _world.ReceivedAsync("Encrypt", 2);
        await stop.CancelAsync();
        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        release.SetResult();

        await host.DemandOneRecordEachAsync();
        Assert.That(host.Records[^1].Outcome, Is.EqualTo(ByokAuditOutcome.NoAnswer));
    }

    [Test]
    public async Task A_denied_role_is_recorded_and_an_address_without_a_listener_is_not()
    {
        if (RoleArn is null)
        {
            Assert.Pass("Access keys have no role.");
        }

        _world.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust(ByokWorld.HostAccount, "another-external-id");
        _world.OidcRole.TrustPolicy = Policies.OidcTrust(ByokWorld.CustomerAccount, "scalr.io", ByokWorld.Audience, "account:other");
        var host = new AuditHost(_world, _type);
        Assert.That(async () => await host.Ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokKeyUnavailableException>());
        await host.DemandOneRecordEachAsync();
        Assert.That(host.Records.Single().ErrorCode, Is.EqualTo("AccessDenied"));

        var offline = new AuditHost(_world, _type, o => o.Endpoints.Sts[ByokWorld.Region] = new Uri("http://127.0.0.1:1"));
        Assert.That(async () => await offline.Ring.EncryptAsync(Plaintext), Throws.InstanceOf<ByokServiceException>());
        Assert.That(offline.Records, Is.Empty);
    }

    [Test]
    public async Task The_trace_is_that_of_the_first_caller()
    {
        var host = new AuditHost(_world, _type, o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        using var activity = new Activity("host").Start();

        await host.Ring.EncryptAsync(Plaintext, Context);

        Assert.That(host.Records.Select(record => record.TraceId), Is.Not.Empty.And.All.EqualTo(activity.TraceId.ToHexString()));
    }

    [Test]
    public async Task No_record_has_a_secret_or_a_value_of_a_context()
    {
        var host = new AuditHost(_world, _type);
        _world.Remember([.. Context.Values, Encoding.UTF8.GetString(Plaintext), Convert.ToBase64String(Plaintext), Secrets.OfLetters]);
        var message = await host.Ring.EncryptAsync(Plaintext, Context);
        await host.Ring.DecryptAsync(message, Context);
        await host.Provider.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings(_type), tenant: null);
        foreach (var secret in _world.Secrets.Append(Convert.ToBase64String(message)).ToList())
        {
            // What answers in place of AWS returns what it got.
            _world.Aws.Faults.Add(Fault.Error(secret) with { Times = 1 });
            Assert.That(async () => await host.Ring.DecryptAsync(message, Context), Throws.InstanceOf<ByokException>());
        }

        Assert.That(host.Records, Has.Count.GreaterThan(8));
        var text = string.Concat(host.Records.Select(record => record.ToJson()));
        Assert.That(text, Does.Contain("variable").And.Contain("kms:Decrypt"));
        Assert.That(_world.Secrets.Where(secret => text.Contains(secret, StringComparison.Ordinal)), Is.Empty);
    }

    private static Task QuietAsync(AuditHost host) => ByokWorld.UntilAsync(
        () => ((ForwardingKeyRing)host.Ring).Last.Ring?.Keys.Work.Running == 0, "the work in the background does not end");

    private async Task<string> MaterialIdAsync()
    {
        // As the customer sees it.
        using var trail = new MemoryStream();
        await _world.Aws.Log.WriteCloudTrailAsync(trail);
        using var json = System.Text.Json.JsonDocument.Parse(trail.ToArray());
        return json.RootElement.GetProperty("Records").EnumerateArray()
            .First(one => one.GetProperty("eventName").GetString() == "Decrypt")
            .GetProperty("additionalEventData").GetProperty("keyMaterialId").GetString()!;
    }
}
