using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Diagnostics;

/// <summary>What is measured of requests to AWS. Attributes stand in the order of their names.</summary>
[NonParallelizable]
internal sealed class AwsMetricsTests
{
    private const string Attempts = "scalr.byok.aws.attempt.duration";
    private const string Retries = "scalr.byok.aws.retries";
    private const string Failovers = "scalr.byok.aws.failovers";
    private const string Transitions = "scalr.byok.breaker.transitions";
    private const string Home = "us-east-1";
    private const string Away = "us-east-2";

    private ByokWorld _world = null!;
    private TelemetryRecord _record = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _record = new TelemetryRecord(traces: false);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _record.Dispose();
        await _world.DisposeAsync();
    }

    [TestCase("AccessKeys", "kms:Encrypt us-east-1 ok", "kms:Decrypt us-east-1 ok", "kms:DescribeKey us-east-1 ok")]
    [TestCase(
        "AssumeRole",
        "sts:AssumeRole us-east-1 ok",
        "kms:Encrypt us-east-1 ok",
        "kms:Decrypt us-east-1 ok",
        "kms:DescribeKey us-east-1 ok")]
    [TestCase(
        "Oidc",
        "sts:AssumeRoleWithWebIdentity us-east-1 ok",
        "kms:Encrypt us-east-1 ok",
        "kms:Decrypt us-east-1 ok",
        "kms:DescribeKey us-east-1 ok")]
    public async Task Attempt_tells_of_each_request(string type, params string[] expected)
    {
        var ring = _world.Ring(type);
        await ring.DecryptAsync(await ring.EncryptAsync(new byte[1]));
        await ring.ProbeAsync();

        Assert.That(_record.Of(Attempts).Select(one => one.Attributes), Is.EqualTo(expected));
        Assert.That(_record.AttributeNames(Attempts), Is.EqualTo(TelemetryRecord.Each("aws.operation", "cloud.region", "outcome")));
    }

    public static IEnumerable<TestCaseData> Failures()
    {
        yield return Failure("kms:Encrypt us-east-1 KeyDisabled denied", "AccessKeys", Fault.Error("DisabledException"));
        yield return Failure("kms:Encrypt us-east-1 AccessDenied denied", "AccessKeys", Fault.Error("AccessDeniedException"));
        yield return Failure(
            "kms:Encrypt us-east-1 CredentialsRejected denied", "AccessKeys", Fault.Error("UnrecognizedClientException"));
        yield return Failure("kms:Encrypt us-east-1 ThrottlingException throttled", "AccessKeys", Fault.Error("ThrottlingException"));
        yield return Failure("kms:Encrypt us-east-1 InternalFailure outage", "AccessKeys", Fault.Error("InternalFailure", 500));
        yield return Failure(
            "kms:Encrypt us-east-1 ByokServiceException outage", "AccessKeys", Fault.Body(502, "text/html", "<html></html>"));
        yield return Failure(
            "kms:Encrypt us-east-1 AnswerTooLargeException outage", "AccessKeys", Fault.LongBody(200, "text/plain", "", 2_000_000));
        yield return Failure(
            "kms:Encrypt us-east-1 ByokServiceException outage", "AccessKeys", Fault.Body(200, "application/x-amz-json-1.1", "{}"));
        yield return Failure(
            "kms:Encrypt us-east-1 ByokServiceException other", "AccessKeys", Fault.Error("ValidationException", 400, "words"));
        yield return Failure("sts:AssumeRole us-east-1 RoleNotAssumable denied", "AssumeRole", Fault.Error("AccessDenied", 403));
        yield return Failure("sts:AssumeRole us-east-1 Throttling throttled", "AssumeRole", Fault.Error("Throttling"));
        yield return Failure("sts:AssumeRole us-east-1 InternalFailure outage", "AssumeRole", Fault.Error("InternalFailure", 500));
        yield return Failure("sts:AssumeRoleWithWebIdentity us-east-1 TokenRejected denied", "Oidc", Fault.Error("IDPRejectedClaim"));
    }

    [TestCaseSource(nameof(Failures))]
    public async Task Attempt_tells_why_it_failed(string type, Fault fault, string expected)
    {
        _world.Aws.Faults.Add(fault);

        await Assert.CatchAsync<ByokException>(async () => await _world.Ring(type).EncryptAsync(new byte[1]));

        Assert.That(_record.Of(Attempts).Select(one => one.Attributes), Is.EqualTo(new[] { expected }));
        Assert.That(
            _record.AttributeNames(Attempts), Is.EqualTo(TelemetryRecord.Each("aws.operation", "cloud.region", "error.type", "outcome")));
    }

    [Test]
    public async Task Attempts_with_a_clock_that_is_off_are_two_outages()
    {
        _world.Aws.Faults.Add(Fault.Error("RequestExpired"));

        await Assert.CatchAsync<ByokException>(async () => await _world.Ring("AccessKeys").EncryptAsync(new byte[1]));

        const string Expected = "kms:Encrypt us-east-1 RequestExpired outage";
        Assert.That(_record.Of(Attempts).Select(one => one.Attributes), Is.EqualTo(TelemetryRecord.Each(Expected, Expected)));
    }

    [Test]
    public async Task Attempt_takes_as_long_as_its_time_limit_if_nothing_answers([Values("AccessKeys", "AssumeRole")] string type)
    {
        _world.Aws.Faults.Add(Fault.BlackHole());
        var call = _world.Ring(type).EncryptAsync(new byte[1]).AsTask();
        var (action, operation) = type == "AssumeRole" ? ("sts:AssumeRole", "AssumeRole") : ("kms:Encrypt", "Encrypt");
        await _world.ReceivedAsync(operation);

        _world.Time.Advance(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAsync<ByokServiceException>(() => call);
        await ByokWorld.UntilAsync(() => _record.Of(Attempts).Count > 0, "nothing was measured");

        Assert.That(_record.Of(Attempts), Is.EqualTo(new[] { ($"{action} us-east-1 TimeoutRejectedException outage", 2.0) }));
    }

    [Test]
    public async Task Attempt_that_the_caller_cancels_is_no_outage()
    {
        _world.Aws.Faults.Add(Fault.BlackHole());
        using var cancellation = new CancellationTokenSource();
        var call = _world.Ring("AccessKeys").EncryptAsync(new byte[1], cancellationToken: cancellation.Token).AsTask();
        await _world.ReceivedAsync("Encrypt");

        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => call);

        Assert.That(
            _record.Of(Attempts).Select(one => one.Attributes),
            Is.EqualTo(TelemetryRecord.Each("kms:Encrypt us-east-1 OperationCanceledException cancelled")));
    }

    [Test]
    public async Task Attempt_that_fails_after_the_ring_was_disposed_is_no_outage()
    {
        var hold = new Hold();
        var services = _world.Services();
        services.AddScalrByok().UseHostCredentials(_ => new LateCredentials(hold)).AddKeyRing(
            ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AssumeRole").Credentials));
        var provider = _world.Build(services);
        var call = provider.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1]).AsTask();
        await hold.Reached;

        await provider.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        hold.Release();
        await ByokWorld.UntilAsync(() => _record.Of(Attempts).Count > 0, "nothing was measured");

        Assert.That(
            _record.Of(Attempts).Select(one => one.Attributes),
            Is.EqualTo(TelemetryRecord.Each("sts:AssumeRole us-east-1 OperationCanceledException cancelled")));
    }

    [Test]
    public async Task Attempt_with_a_session_that_ended_is_one_and_its_repetition_another()
    {
        var ring = _world.Ring("AssumeRole");
        _world.Aws.Faults.Add(Fault.Error("ExpiredTokenException") with { Operation = "Encrypt", Times = 1 });

        await ring.EncryptAsync(new byte[1]);

        Assert.That(_record.Of(Attempts).Select(one => one.Attributes), Is.EqualTo(TelemetryRecord.Each(
            "sts:AssumeRole us-east-1 ok",
            "kms:Encrypt us-east-1 ExpiredTokenException denied",
            "sts:AssumeRole us-east-1 ok",
            "kms:Encrypt us-east-1 ok")));
    }

    [Test]
    public async Task Retry_counts_what_is_tried_again_and_the_log_has_it()
    {
        var ring = _world.Ring(
            "AssumeRole",
            options: o => (o.Resilience.MaxRetryAttempts, o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) =
                (3, TimeSpan.FromMinutes(40), TimeSpan.FromHours(1)));
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = "AssumeRole", Times = 1 });
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Operation = "Encrypt", Times = 2 });

        await _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask());

        Assert.That(_record.Of(Retries), Is.EqualTo(new[]
        {
            ("sts:AssumeRole us-east-1 InternalFailure", 1.0),
            ("kms:Encrypt us-east-1 ThrottlingException", 1.0),
            ("kms:Encrypt us-east-1 ThrottlingException", 1.0),
        }));
        Assert.That(_record.AttributeNames(Retries), Is.EqualTo(TelemetryRecord.Each("aws.operation", "cloud.region", "error.type")));
        Assert.That(
            _world.Logs.Entries,
            Has.Some.StartsWith(
                $"Debug Scalr.Byok.Kms.KeyRing.ByokKeyRing 12: kms:Encrypt on key {_world.Key.Arn} is retried after ThrottlingException "
                + "(retry 3)."));
    }

    [Test]
    public async Task Breaker_tells_of_every_change_and_the_log_of_the_first_and_the_last(
        [Values("AccessKeys", "AssumeRole")] string type)
    {
        var ring = _world.Ring(type, options: o => o.Resilience.BreakerMinimumThroughput = 2);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "kms" });
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
        }

        Assert.That(_record.Of(Attempts)[^1], Is.EqualTo(("kms:Encrypt us-east-1 BrokenCircuitException breaker", 0.0)));
        _world.Time.Advance(TimeSpan.FromSeconds(15));
        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
        _world.Aws.Faults.Clear();
        _world.Time.Advance(TimeSpan.FromSeconds(15));
        await ring.EncryptAsync(new byte[1]);

        Assert.That(_record.Of(Transitions).Select(one => one.Attributes), Is.EqualTo(
            TelemetryRecord.Each("us-east-1 open", "us-east-1 half-open", "us-east-1 open", "us-east-1 half-open", "us-east-1 closed")));
        Assert.That(_record.AttributeNames(Transitions), Is.EqualTo(TelemetryRecord.Each("cloud.region", "state")));
        Assert.That(_world.Logs.Entries.Count(e => e.StartsWith("Warning Scalr.Byok.Kms.KeyRing.ByokKeyRing 10: ", StringComparison.Ordinal)
            && e.Contains($"key {_world.Key.Arn} got no usable answer in Region us-east-1", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(
            _world.Logs.Entries.Count(e => e.StartsWith("Information Scalr.Byok.Kms.KeyRing.ByokKeyRing 11: ", StringComparison.Ordinal)
                && e.Contains(_world.Key.Arn, StringComparison.Ordinal)),
            Is.EqualTo(1));
    }

    [Test]
    public async Task Failover_tells_from_where_and_why()
    {
        var replica = _world.Key.Replicate(Away);
        _world.User.Policy = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(_world.Key.Arn), [Away]);
        var ring = _world.Ring(
            "AccessKeys",
            s => s.ReplicaRegions = [Away],
            o => (o.FailoverOnRevokedReplica, o.Resilience.BreakerMinimumThroughput) = (true, 4));
        foreach (var code in TelemetryRecord.Each(
            "DisabledException", "ThrottlingException", "InternalFailure", "InternalFailure", "InternalFailure", "InternalFailure"))
        {
            _world.Aws.Faults.Clear();
            _world.Aws.Faults.Add(Fault.Error(code, code == "InternalFailure" ? 500 : 400) with { Region = Home });
            await ring.EncryptAsync(new byte[1]);
        }

        Assert.That(_record.Of(Transitions).Select(one => one.Attributes), Is.EqualTo(TelemetryRecord.Each("us-east-1 open")));
        await ring.EncryptAsync(new byte[1]);

        Assert.That(
            _record.Of(Failovers).Select(one => one.Attributes).Distinct(),
            Is.EqualTo(TelemetryRecord.Each("denied us-east-1", "throttled us-east-1", "outage us-east-1", "breaker us-east-1")));
        Assert.That(_record.AttributeNames(Failovers), Is.EqualTo(TelemetryRecord.Each("cause", "cloud.region")));
        Assert.That(_record.Of(Attempts)[^1].Attributes, Is.EqualTo("kms:Encrypt us-east-2 ok"));
        Assert.That(replica.Arn, Does.Contain(Away));
    }

    private static TestCaseData Failure(string expected, string type, Fault fault) =>
        new TestCaseData(type, fault, expected).SetArgDisplayNames(expected);

    /// <summary>The host finds out late that it has no identity.</summary>
    private sealed class LateCredentials(Hold hold) : AWSCredentials
    {
        public override async Task<ImmutableCredentials> GetCredentialsAsync()
        {
            await hold.IgnoreAsync(CancellationToken.None);
            return GetCredentials();
        }

        public override ImmutableCredentials GetCredentials() => throw new AmazonClientException("none");
    }
}
