using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Soak;

/// <summary>
/// One Region of a multi-Region key is lost, or all of them, while a ring caches, tries again and breaks circuits as by default.
/// </summary>
[NonParallelizable]
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class LostRegionsTests
{
    private const string Home = "us-east-1";
    private const string Away = "us-east-2";

    private static readonly byte[] Plaintext = "on a bad day"u8.ToArray();

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.Key.Replicate(Away);
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = ByokPolicies.KeyPermissions(
            KmsKeyArn.Parse(_world.Key.Arn), [Away]);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_black_hole_fails_no_call_and_once_the_breaker_is_open_none_waits_for_it(
        [Values("AccessKeys", "AssumeRole", "Oidc")] string type)
    {
        using var unobserved = new Unobserved();
        await using (var day = new BadDay(_world, type, options: null, Away))
        {
            var before = await day.EncryptAsync(Plaintext);
            _world.Aws.Faults.Add(AtHome(Fault.BlackHole(), type));
            var onset = 0;
            for (var waited = TimeSpan.MaxValue; waited > TimeSpan.Zero; onset++)
            {
                var start = _world.Time.GetUtcNow();
                await day.EncryptAsync(Plaintext, $"at onset {onset}"); // a context of its own: no key of it is cached
                waited = _world.Time.GetUtcNow() - start;
                Assert.That(waited, Is.LessThan(TimeSpan.FromSeconds(3)));
            }

            Assert.That(onset, Is.LessThanOrEqualTo(BadDay.Defaults.BreakerMinimumThroughput + 1));
            var asked = Asked(Home);

            // The clock stands still: a call that waited for the dead Region would wait for ever. Nor does its trial, in the background,
            // hold anyone up.
            for (var i = 0; i < 20; i++)
            {
                var message = await day.Ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["later"] = $"{i}" });
                Assert.That(await day.Ring.DecryptAsync(message), Is.EqualTo(Plaintext));
                Assert.That(await day.Ring.DecryptAsync(before), Is.EqualTo(Plaintext));
                if (i == 9)
                {
                    Assert.That(Asked(Home), Is.EqualTo(asked), "it is left alone");
                    _world.Time.Advance(BadDay.Defaults.BreakDuration);
                }
            }

            Assert.That(Asked(Home), Is.LessThanOrEqualTo(asked + 1), "one trial");
        }

        unobserved.DemandNone();
    }

    [Test]
    public async Task With_all_Regions_down_cached_keys_serve_until_OutageGrace_ends(
        [Values("AccessKeys", "AssumeRole", "Oidc")] string type)
    {
        using var unobserved = new Unobserved();
        var grace = TimeSpan.FromMinutes(10);
        await using (var day = new BadDay(_world, type, o => o.DataKeyCache.OutageGrace = grace, Away))
        {
            var message = await day.EncryptAsync(Plaintext);
            await day.DecryptAsync(message);
            var end = _world.Time.GetUtcNow() + new ByokDataKeyCacheOptions().MaxAge + grace;
            _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));
            while (_world.Time.GetUtcNow() < end - TimeSpan.FromMinutes(1))
            {
                Assert.That(await day.DecryptAsync(message), Is.EqualTo(Plaintext));
                message = await day.EncryptAsync(Plaintext);
                await day.AdvanceAsync(TimeSpan.FromSeconds(30));
            }

            await day.AdvanceAsync(end - _world.Time.GetUtcNow());
            await Assert.ThrowsAsync<ByokServiceException>(() => day.EncryptAsync(Plaintext));
            await Assert.ThrowsAsync<ByokServiceException>(() => day.DecryptAsync(message));

            _world.Aws.Faults.Clear();
            _world.Aws.Faults.Add(AtHome(Fault.Error("InternalFailure", 500), type));
            await day.AdvanceAsync(BadDay.Defaults.BreakDuration);
            Assert.That(await day.DecryptAsync(message), Is.EqualTo(Plaintext), "one Region is enough");
            Assert.That(ByokMessage.Read(await day.EncryptAsync(Plaintext)).KeyArns.Single().Region, Is.EqualTo(Away));
        }

        unobserved.DemandNone();
    }

    /// <summary>
    /// The exchange of a token is not signed, so LocalAws, which has one address for all Regions, cannot tell its Region.
    /// </summary>
    private static Fault AtHome(Fault fault, string type) => fault with { Region = Home, Service = type == "Oidc" ? "kms" : null };

    private int Asked(string region) => _world.Aws.Log.Requests.Count(request => request.Service == "kms" && request.Region == region);
}
