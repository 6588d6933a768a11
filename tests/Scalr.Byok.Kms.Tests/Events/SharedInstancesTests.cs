using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.Fleet;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>What an instance reports and queries when others may have done so.</summary>
internal sealed class SharedInstancesTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(15);
    private static readonly RingOwner Acme = RingOwner.OfTenant("acme");
    private static readonly KmsKeyArn Key = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab");

    private readonly List<FleetSharing> _sharing = [];
    private FakeTimeProvider _time = null!;
    private FleetTestCache _cache = null!;
    private SharedInstances _one = null!;
    private SharedInstances _other = null!;

    [SetUp]
    public void Start()
    {
        _time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        _cache = new FleetTestCache(_time);
        (_one, _other) = (Instance(), Instance());
    }

    [TearDown]
    public void Stop()
    {
        _sharing.ForEach(static sharing => sharing.Dispose());
        _sharing.Clear();
    }

    [Test]
    public async Task An_event_that_another_instance_has_reported_is_not_reported_again()
    {
        var before = await MayReportAsync(_other, "1");
        await _one.ReportedAsync(Event("1"), isTaken: true, CancellationToken.None);

        Assert.That((before, await MayReportAsync(_other, "1")), Is.EqualTo((true, false)));
        Assert.That(await MayReportAsync(Instance("8CPKb5Xf3a0m1lGd7gYw2tQe9uRzHsVnJiLoTpWxEyA="), "1"), Is.True, "another secret");
    }

    /// <summary>A key is denied, usable and denied again within one window. The second denial has the id of the first.</summary>
    [Test]
    public async Task A_new_change_is_reported_although_an_earlier_one_had_its_id()
    {
        await _one.ReportedAsync(Event("1"), isTaken: true, CancellationToken.None);
        await _one.ReportedAsync(Event("2", 60, ByokKeyEventKind.Restored), isTaken: true, CancellationToken.None);

        Assert.That(await MayReportAsync(_other, "1", 120), Is.True, "it was not reported");
        Assert.That(await MayReportAsync(_other, "1", 20), Is.False, "it is the first one, found later");
        Assert.That(await MayReportAsync(_other, "2", 70, ByokKeyEventKind.Restored), Is.False);
    }

    /// <summary>Two instances find a change on both sides of the boundary of two windows, or in an order of their own.</summary>
    [Test]
    public async Task A_change_that_another_instance_has_reported_with_another_id_is_not_reported_again()
    {
        await _one.ReportedAsync(Event("1"), isTaken: true, CancellationToken.None);

        Assert.That(await MayReportAsync(_other, "9", 50), Is.False);
        Assert.That(await MayReportAsync(_other, "9", 600), Is.True, "another change");
        Assert.That(await MayReportAsync(_other, "9", 50, code: "AccessDenied"), Is.True, "another code");
        Assert.That(await MayReportAsync(_other, "9", 50, tenant: "other"), Is.True, "another tenant");
        Assert.That(await MayReportAsync(_other, "9", 50, ByokKeyEventKind.Warned), Is.True, "a warning");
    }

    [Test]
    public async Task An_event_that_an_observer_has_not_taken_is_reported_by_the_next_instance()
    {
        await _one.ReportedAsync(Event("1"), isTaken: false, CancellationToken.None);

        Assert.That(await MayReportAsync(_other, "1"), Is.True);
        Assert.That(await MayReportAsync(_other, "9", 50), Is.True);
    }

    [Test]
    public async Task A_key_is_queried_by_one_instance_in_each_interval()
    {
        var first = await MayQueryAsync(_one);
        var second = await MayQueryAsync(_other);
        _time.Advance(Interval + TimeSpan.FromSeconds(5));

        Assert.That((first, second, await MayQueryAsync(_other), await MayQueryAsync(_one)), Is.EqualTo((true, false, true, false)));
        Assert.That(await _one.MayQueryAsync(RingOwner.OfTenant("other"), Key, Interval, CancellationToken.None), Is.True);
    }

    [TestCase(FleetCacheMode.Throws)]
    [TestCase(FleetCacheMode.Garbage)]
    [TestCase(FleetCacheMode.Swapped)]
    public async Task With_a_cache_that_does_not_work_each_instance_reports_and_queries(FleetCacheMode mode)
    {
        await _one.ReportedAsync(Event("1"), isTaken: true, CancellationToken.None);
        await MayQueryAsync(_one);
        _cache.Mode = mode;

        Assert.That((await MayReportAsync(_other, "1"), await MayQueryAsync(_other)), Is.EqualTo((true, true)));
    }

    private async Task<bool> MayReportAsync(
        SharedInstances instance,
        string id,
        int second = 0,
        ByokKeyEventKind kind = ByokKeyEventKind.Denied,
        string code = "KeyDisabled",
        string tenant = "acme") =>
        await instance.MayReportAsync(Event(id, second, kind, code, tenant), CancellationToken.None);

    private static async Task<bool> MayQueryAsync(SharedInstances instance) =>
        await instance.MayQueryAsync(Acme, Key, Interval, CancellationToken.None);

    private ByokKeyEvent Event(
        string id,
        int second = 0,
        ByokKeyEventKind kind = ByokKeyEventKind.Denied,
        string code = "KeyDisabled",
        string tenant = "acme") => new()
        {
            Id = id,
            Kind = kind,
            Tenant = tenant,
            KeyArn = Key,
            Code = code,
            Owner = ByokKeyFindingOwner.Customer,
            Message = "The key is disabled.",
            Remedy = "Enable the key in AWS KMS.",
            Start = _time.GetUtcNow().AddSeconds(second),
        };

    private SharedInstances Instance(string secret = FleetWorld.Secret)
    {
        var clock = new AgeClock(_time);
        var time = new AwsTime(clock);
        time.Note(clock.Now, clock.Now, _time.GetUtcNow());
        var sharing = new FleetSharing(
            new ByokFleetOptions { Secrets = [secret] }, new ByokOptions(), _cache, time, NullLogger.Instance);
        _sharing.Add(sharing);
        return new SharedInstances(sharing);
    }
}
