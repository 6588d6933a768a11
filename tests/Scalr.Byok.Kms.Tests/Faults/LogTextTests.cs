using System.Globalization;
using System.Text.RegularExpressions;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 25: log texts that said what was not so.</summary>
[CancelAfter(120_000)]
internal sealed partial class LogTextTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    // Fault 25: throttling is no outage.
    [Test]
    public async Task Throttling_is_not_logged_as_an_outage()
    {
        _world.User.Policy = Policies.Permissions("*");
        _world.Key.Replicate("us-east-2");
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Region = ByokWorld.Region });

        await _world.Ring("AccessKeys", settings => settings.ReplicaRegions = ["us-east-2"]).EncryptAsync(new byte[1]);

        Assert.That(_world.Logs.Entries, Has.Some.Contains("us-east-2"), "the failover is logged");
        Assert.That(_world.Logs.Entries, Has.None.Contains("outage"));
    }

    // Fault 25: the opposite. An outage is called one.
    [Test]
    public async Task An_outage_is_logged_as_one()
    {
        _world.User.Policy = Policies.Permissions("*");
        _world.Key.Replicate("us-east-2");
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = ByokWorld.Region });

        await _world.Ring("AccessKeys", settings => settings.ReplicaRegions = ["us-east-2"]).EncryptAsync(new byte[1]);

        Assert.That(_world.Logs.Entries, Has.Some.Contains("outage").And.Some.Contains("us-east-2"));
    }

    // Fault 25: data keys that callers have open are not cached ones.
    [Test]
    public async Task A_revocation_does_not_count_open_data_keys_as_cached([Values] bool isCached)
    {
        var ring = _world.Ring("AccessKeys", options: o => o.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        await ring.EncryptAsync(new byte[1]);
        using var first = await ring.CreateDataKeyAsync();
        using var second = await ring.CreateDataKeyAsync();
        _world.Key.Disable();

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => (await ring.CreateDataKeyAsync()).Dispose());

        Assert.That(
            _world.Logs.Entries.Where(entry => entry.StartsWith("Warning", StringComparison.Ordinal)), Has.Some.Contains(_world.Key.Arn));
        var counts = _world.Logs.Entries.SelectMany(entry => CachedCount().Matches(entry))
            .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        Assert.That(counts, Is.All.EqualTo(isCached ? 1 : 0));
    }

    [GeneratedRegex("([0-9]+) cached")]
    private static partial Regex CachedCount();
}
