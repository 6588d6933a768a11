using System.Diagnostics;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Diagnostics;

/// <summary>What a trace shows.</summary>
[NonParallelizable]
internal sealed class ActivityTests
{
    private ByokWorld _world = null!;
    private TelemetryRecord _record = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _record = new TelemetryRecord();
    }

    [TearDown]
    public async Task StopAsync()
    {
        _record.Dispose();
        await _world.DisposeAsync();
    }

    public static IEnumerable<TestCaseData> Calls()
    {
        yield return Call("Encrypt", (ring, _) => ring.EncryptAsync(new byte[1]).AsTask());
        yield return Call("Encrypt", (ring, _) => ring.EncryptAsync(new byte[1], new System.Buffers.ArrayBufferWriter<byte>()).AsTask());
        yield return Call("Encrypt", (ring, _) => ring.EncryptAsync(new MemoryStream(new byte[1]), new MemoryStream()));
        yield return Call("Decrypt", (ring, message) => ring.DecryptAsync(message).AsTask());
        yield return Call("Decrypt", (ring, message) => ring.DecryptAsync(message, new System.Buffers.ArrayBufferWriter<byte>()).AsTask());
        yield return Call("Decrypt", (ring, message) => ring.DecryptAsync(new MemoryStream(message), new MemoryStream()));
        yield return Call("Reencrypt", (ring, message) => ring.ReencryptAsync(message).AsTask());
        yield return Call(
            "Reencrypt", (ring, message) => ring.ReencryptAsync(message, new System.Buffers.ArrayBufferWriter<byte>()).AsTask());
        yield return Call("Reencrypt", (ring, message) => ring.ReencryptAsync(new MemoryStream(message), new MemoryStream()));
        yield return Call("Probe", (ring, _) => ring.ProbeAsync());
        yield return Call("CreateDataKey", (ring, _) => ring.CreateDataKeyAsync().AsTask());
    }

    [TestCaseSource(nameof(Calls))]
    public async Task Call_of_a_ring_is_an_activity_and_so_is_its_request(string name, Func<IByokKeyRing, byte[], Task> call, bool calls)
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        var before = _record.Activities.Count;
        using var caller = new Activity("the host's").Start();

        await call(ring, message);

        Assert.That(Activity.Current, Is.SameAs(caller));
        var found = _record.Activities.Skip(before).ToList();
        Assert.That(found, Has.Count.EqualTo(name == "CreateDataKey" ? 4 : calls ? 2 : 1), "a new data key is confirmed for reading, too");
        var activity = found[^1];
        Assert.That(
            (activity.OperationName, activity.Kind, activity.Status, activity.ParentSpanId),
            Is.EqualTo((name, ActivityKind.Internal, ActivityStatusCode.Unset, caller.SpanId)));
        Assert.That(Tags(activity), Is.EqualTo(TelemetryRecord.Each("cloud.region=us-east-1")));
        if (calls)
        {
            Assert.That((found[0].Kind, found[0].ParentSpanId), Is.EqualTo((ActivityKind.Client, activity.SpanId)));
        }
    }

    [TestCaseSource(nameof(Calls))]
    public async Task Call_that_fails_says_so_without_words(string name, Func<IByokKeyRing, byte[], Task> call, bool calls)
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        TenantHost.Inner(ring).Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => call(ring, message));

        var activity = _record.Activities[^1];
        Assert.That(
            (activity.OperationName, activity.Status, activity.StatusDescription),
            Is.EqualTo((name, ActivityStatusCode.Error, nameof(ObjectDisposedException))));
        Assert.That(Tags(activity), Has.Member("error.type=ObjectDisposedException"), $"calls: {calls}");
    }

    [Test]
    public async Task Opening_a_data_key_is_an_activity_but_not_each_value()
    {
        var ring = _world.Ring("AccessKeys");
        using var made = await ring.CreateDataKeyAsync();
        using var key = await ring.OpenDataKeyAsync(made.EncryptedKey);
        key.Decrypt(key.Encrypt([1]));

        Assert.That(
            _record.Activities.Select(activity => activity.OperationName),
            Is.EqualTo(TelemetryRecord.Each("kms:Encrypt", "kms:Decrypt", "Confirm", "CreateDataKey", "kms:Decrypt", "OpenDataKey")));
    }

    [Test]
    public async Task Request_tells_service_method_Region_and_id()
    {
        await _world.Ring("AccessKeys").EncryptAsync(new byte[1]);

        var activity = _record.Activities[0];
        Assert.That(
            (activity.OperationName, activity.Kind, activity.Status),
            Is.EqualTo(("kms:Encrypt", ActivityKind.Client, ActivityStatusCode.Unset)));
        Assert.That(Tags(activity), Is.EqualTo(new[]
        {
            $"aws.request_id={activity.GetTagItem("aws.request_id")}",
            "cloud.region=us-east-1",
            "rpc.method=Encrypt",
            "rpc.service=KMS",
            "rpc.system=aws-api",
        }));
        Assert.That(Guid.TryParse((string?)activity.GetTagItem("aws.request_id"), out _), Is.True);
    }

    [Test]
    public async Task Request_that_is_refused_tells_the_reason_and_its_id()
    {
        _world.Key.Disable();
        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(
            async () => await _world.Ring("AccessKeys").EncryptAsync(new byte[1]));

        foreach (var activity in _record.Activities)
        {
            Assert.That(
                (activity.Status, activity.StatusDescription, activity.GetTagItem("error.type")),
                Is.EqualTo((ActivityStatusCode.Error, "KeyDisabled", "KeyDisabled")));
        }

        Assert.That(_record.Activities.Select(one => one.OperationName), Is.EqualTo(TelemetryRecord.Each("kms:Encrypt", "Encrypt")));
        Assert.That(_record.Activities[0].GetTagItem("aws.request_id"), Is.EqualTo(thrown!.RequestId).And.Not.Null);
    }

    [Test]
    public async Task Retries_are_requests_of_one_call()
    {
        var ring = _world.Ring(
            "AccessKeys",
            options: o => (o.Resilience.MaxRetryAttempts, o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) =
                (3, TimeSpan.FromMinutes(40), TimeSpan.FromHours(1)));
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Times = 2 });

        await _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask());

        Assert.That(_record.Activities.Select(one => (one.OperationName, one.StatusDescription)), Is.EqualTo(new[]
        {
            ("kms:Encrypt", "InternalFailure"), ("kms:Encrypt", "InternalFailure"), ("kms:Encrypt", null), ("Encrypt", null),
        }));
        Assert.That(_record.Activities.Select(one => one.ParentSpanId).Take(3), Is.All.EqualTo(_record.Activities[^1].SpanId));
    }

    [Test]
    public async Task Session_is_begun_for_all_and_linked_to_the_first([Values("AssumeRole", "Oidc")] string type)
    {
        await _world.Ring(type).EncryptAsync(new byte[1]);
        await ByokWorld.UntilAsync(() => _record.Activities.Count == 3, "an activity did not end");

        var session = _record.Activities.Single(one => one.OperationName.StartsWith("sts:", StringComparison.Ordinal));
        var call = _record.Activities.Single(one => one.OperationName == "Encrypt");
        Assert.That((session.Kind, session.ParentSpanId), Is.EqualTo((ActivityKind.Client, default(ActivitySpanId))));
        Assert.That(session.Links.Select(link => link.Context.SpanId), Is.EqualTo(new[] { call.SpanId }));
        Assert.That(session.TraceId, Is.Not.EqualTo(call.TraceId));
        Assert.That(Tags(session), Is.EqualTo(
            new[] { "cloud.region=us-east-1", $"rpc.method={session.OperationName[4..]}", "rpc.service=STS", "rpc.system=aws-api" }));
    }

    [Test]
    public async Task Data_key_is_fetched_for_all_and_linked_to_the_first()
    {
        var ring = Cached();
        await ring.EncryptAsync(new byte[1]);
        await ring.EncryptAsync(new byte[1]);
        await ByokWorld.UntilAsync(() => _record.Activities.Count == 4, "an activity did not end");

        var fetch = _record.Activities.Single(one => one.OperationName == "FetchDataKey");
        var calls = _record.Activities.Where(one => one.OperationName == "Encrypt").ToList();
        Assert.That((calls.Count, fetch.Kind, fetch.ParentSpanId), Is.EqualTo((2, ActivityKind.Internal, default(ActivitySpanId))));
        Assert.That(fetch.Links.Select(link => link.Context.SpanId), Is.EqualTo(new[] { calls[0].SpanId }));
        Assert.That(_record.Activities.Single(one => one.OperationName == "kms:Encrypt").ParentSpanId, Is.EqualTo(fetch.SpanId));
    }

    [Test]
    public async Task Confirmation_has_a_trace_of_its_own()
    {
        IByokKeyRing ring;
        using (new Activity("the host's start").Start())
        {
            ring = Cached();
        }

        await ring.EncryptAsync(new byte[1]);
        _world.Time.Advance(TimeSpan.FromSeconds(61));
        await ring.EncryptAsync(new byte[1]);
        await ByokWorld.UntilAsync(() => _record.Activities.Any(one => one.OperationName == "Confirm"), "there was no confirmation");

        var confirmation = _record.Activities.Single(one => one.OperationName == "Confirm");
        Assert.That((confirmation.ParentSpanId, confirmation.Links.Count()), Is.EqualTo((default(ActivitySpanId), 0)));
        Assert.That((confirmation.Status, confirmation.GetTagItem("error.type")), Is.EqualTo((ActivityStatusCode.Unset, default(object))));
        Assert.That(
            _record.Activities.Where(one => one.ParentSpanId == confirmation.SpanId).Select(one => one.OperationName),
            Is.EqualTo(TelemetryRecord.Each("kms:Encrypt")));
    }

    [Test]
    public async Task Confirmation_that_is_refused_tells_the_reason()
    {
        var ring = Cached();
        await ring.EncryptAsync(new byte[1]);
        _world.Key.Disable();
        _world.Time.Advance(TimeSpan.FromSeconds(61));

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));

        var confirmation = _record.Activities.Single(one => one.OperationName == "Confirm");
        Assert.That(
            (confirmation.Status, confirmation.GetTagItem("error.type")), Is.EqualTo((ActivityStatusCode.Error, (object)"KeyDisabled")));
    }

    // also tried without the external ID
    [TestCase("AssumeRole", "sts:AssumeRole RoleNotAssumable", "kms:DescribeKey ", "kms:Encrypt ", "kms:Decrypt ")]
    [TestCase("Oidc", "kms:DescribeKey ", "kms:Encrypt ", "kms:Decrypt ")] // this host issues no token of another subject
    public async Task Verification_is_an_activity_above_all_its_requests(string type, params string[] expected)
    {
        var services = _world.Services();
        services.AddScalrByok();
        await _world.Build(services).GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings(type), tenant: null);

        var verify = _record.Activities.Single(one => one.OperationName == "Verify");
        Assert.That(_record.Activities.Where(one => one.ParentSpanId == verify.SpanId)
            .Select(one => $"{one.OperationName} {one.StatusDescription}"), Is.EqualTo(expected));
    }

    private static string[] Tags(Activity activity) =>
        [.. activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal)];

    private static TestCaseData Call(string name, Func<IByokKeyRing, byte[], Task> call, bool calls = true) =>
        new TestCaseData(name, call, calls).SetArgDisplayNames(name);

    private IByokKeyRing Cached() =>
        _world.Ring(
            "AccessKeys",
            options: o => (o.DataKeyCache.MaxAge, o.ConfirmationInterval) = (TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(60)));
}
