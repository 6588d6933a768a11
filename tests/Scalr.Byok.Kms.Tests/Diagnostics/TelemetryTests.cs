using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.RegularExpressions;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Diagnostics;

/// <summary>What a host can listen to, and that it costs nothing to those who do not.</summary>
[NonParallelizable]
internal sealed partial class TelemetryTests
{
    /// <summary>Every instrument: name, unit, attributes and meaning. The page of telemetry has the same table.</summary>
    public static readonly (string Name, string Unit, string Attributes, string What)[] Instruments =
    [
        (
            "scalr.byok.aws.attempt.duration",
            "s",
            "aws.operation, cloud.region, outcome, error.type",
            "Time that one request to AWS KMS or AWS STS took."),
        ("scalr.byok.aws.retries", "{retry}", "aws.operation, cloud.region, error.type", "Calls to AWS that were tried again."),
        ("scalr.byok.aws.failovers", "{failover}", "cloud.region, cause", "Calls that went to another Region of the key."),
        (
            "scalr.byok.breaker.transitions",
            "{transition}",
            "cloud.region, state",
            "Circuit breakers of a key and Region that changed their state."),
        ("scalr.byok.cache.hits", "{hit}", "cache", "Data keys that were found in a cache."),
        (
            "scalr.byok.cache.misses",
            "{miss}",
            "cache",
            "Data keys that were not found in a cache, so that AWS KMS was asked or waited for."),
        ("scalr.byok.cache.evictions", "{key}", "cache, cause", "Data keys that a cache erased."),
        ("scalr.byok.cache.keys", "{key}", "cache", "Data keys that are in a cache."),
        ("scalr.byok.revocations", "{revocation}", "reason", "Times that a key turned out to be unusable."),
        ("scalr.byok.key.events", "{event}", "kind, reason", "Key events that were reported to the observers."),
        ("scalr.byok.probes", "{probe}", "status", "Health queries of a key by kms:DescribeKey."),
        ("scalr.byok.messages.encrypted", "{message}", "", "Messages that were encrypted."),
        ("scalr.byok.messages.decrypted", "{message}", "", "Messages that were decrypted."),
        ("scalr.byok.plaintext.encrypted", "By", "", "Plaintext that was encrypted."),
        ("scalr.byok.plaintext.decrypted", "By", "", "Plaintext that was decrypted."),
        ("scalr.byok.audit.failures", "{record}", "", "Audit records that a sink did not accept."),
    ];

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task The_list_names_every_instrument_there_is()
    {
        using var record = new TelemetryRecord();
        await _world.Ring("AccessKeys").EncryptAsync(new byte[1]);

        Assert.That(
            record.Instruments.Select(one => (one.Name, one.Unit, one.Description)),
            Is.EquivalentTo(Instruments.Select(one => (one.Name, one.Unit, one.What))));
        foreach (var instrument in record.Instruments)
        {
            Assert.That(instrument.Name, Does.Match(Name()), instrument.Name);
            Assert.That(instrument.Unit, Does.Match(Unit()), instrument.Name);
            Assert.That(instrument.Description, Does.Match("^[A-Z].*[.]$"), instrument.Name);
            Assert.That(instrument.Meter.Version, Is.EqualTo(LibraryVersion), instrument.Name);
        }

        Assert.That(
            Instruments.Where(one => Instruments.Any(other => other.Name.StartsWith(one.Name + ".", StringComparison.Ordinal))),
            Is.Empty,
            "no name is another's namespace");
    }

    [Test]
    public async Task The_source_has_the_librarys_name_and_version()
    {
        using var record = new TelemetryRecord();
        await _world.Ring("AccessKeys").EncryptAsync(new byte[1]);

        var source = record.Activities[0].Source;
        Assert.That((source.Name, source.Version), Is.EqualTo((ByokTelemetry.ActivitySourceName, LibraryVersion)));
        Assert.That((ByokTelemetry.ActivitySourceName, ByokTelemetry.MeterName), Is.EqualTo(("Scalr.Byok.Kms", "Scalr.Byok.Kms")));
    }

    [Test]
    public void Nobody_listens_and_nothing_is_allocated_for_it()
    {
        var error = new ByokDecryptionException();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            using var activity = Activities.Start(Activities.Encrypt);
            activity.Note(error);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public async Task A_meter_listener_costs_no_allocation_either()
    {
        var ring = Cached();
        var off = await AllocatedAsync(ring);
        using var meters = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == ByokTelemetry.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        var count = 0L;
        meters.SetMeasurementEventCallback<long>((_, value, _, _) => count += value);
        meters.Start();

        Assert.That(await AllocatedAsync(ring), Is.EqualTo(off));
        Assert.That(count, Is.GreaterThan(1024), "it did listen");
    }

    private static string LibraryVersion =>
        typeof(IByokKeyRing).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private IByokKeyRing Cached() => _world.Ring("AccessKeys", options: o =>
    {
        o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5);
        o.MaxDegreeOfParallelism = 1;
    });

    /// <summary>What encrypting and decrypting 1 KiB under cached data keys allocates, in bytes.</summary>
    private static async Task<long> AllocatedAsync(IByokKeyRing ring)
    {
        var plaintext = new byte[1024];
        var message = await ring.EncryptAsync(plaintext);
        await ring.DecryptAsync(message);
        var least = long.MaxValue;
        for (var i = 0; i < 200; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var encrypted = ring.EncryptAsync(plaintext);
            var decrypted = ring.DecryptAsync(message);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.That(
                (encrypted.IsCompletedSuccessfully, decrypted.IsCompletedSuccessfully), Is.EqualTo((true, true)), "the keys are cached");
            least = Math.Min(least, allocated);
            await encrypted;
            await decrypted;
        }

        return least;
    }

    [GeneratedRegex(@"^scalr\.byok(\.[a-z]+)+$")]
    private static partial Regex Name();

    /// <summary>UCUM: seconds, bytes, or something counted.</summary>
    [GeneratedRegex(@"^(s|By|\{[a-z]+\})$")]
    private static partial Regex Unit();
}
