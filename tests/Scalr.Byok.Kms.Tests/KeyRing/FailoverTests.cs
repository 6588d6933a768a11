using LocalAws;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A multi-Region key whose Region is lost, or refuses.</summary>
internal sealed class FailoverTests
{
    private const string Home = "us-east-1";
    private const string Away = "us-east-2";

    private static readonly byte[] Plaintext = "abc"u8.ToArray();

    private ByokWorld _world = null!;
    private LocalKey _replica = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _replica = _world.Key.Replicate(Away);
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = ByokPolicies.KeyPermissions(
            KmsKeyArn.Parse(_world.Key.Arn), [Away]);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_Region_that_fails_is_stood_in_for([Values("AccessKeys", "AssumeRole")] string type)
    {
        var ring = Ring(type);
        var before = await ring.EncryptAsync(Plaintext);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home });

        var during = await ring.EncryptAsync(Plaintext);

        Assert.That(ByokMessage.Read(during).KeyArns.Select(arn => arn.ToString()), Is.EqualTo(new[] { _replica.Arn }));
        Assert.That(await ring.DecryptAsync(before), Is.EqualTo(Plaintext), "what the key wrote opens through the replica");
        _world.Aws.Faults.Clear();
        Assert.That(await ring.DecryptAsync(during), Is.EqualTo(Plaintext), "what the replica wrote opens through the key");
        Assert.That(
            await _world.Ring(type, s => s.KeyArn = _replica.Arn).DecryptAsync(before),
            Is.EqualTo(Plaintext),
            "and in a ring whose key the replica is");
        Assert.That(await ring.ReencryptAsync(during), Is.EqualTo(during), "it is under the current key");
    }

    [Test]
    public async Task Requests_are_counted_in_all_Regions_together()
    {
        var ring = Ring("AccessKeys");
        await ring.EncryptAsync(Plaintext);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home });

        await ring.EncryptAsync(Plaintext);

        Assert.That((Asked(Home), Asked(Away)), Is.EqualTo((2, 1)));
        Assert.That(((IMeteredKeyRing)ring).KmsRequests, Is.EqualTo(3));
    }

    [Test]
    public async Task A_black_hole_costs_one_time_limit_until_the_breaker_opens_and_then_nothing()
    {
        var ring = Ring("AccessKeys", o => o.Resilience.BreakerMinimumThroughput = 4);
        _world.Aws.Faults.Add(Fault.BlackHole() with { Region = Home });
        for (var i = 1; i <= 4; i++)
        {
            var call = ring.EncryptAsync(Plaintext).AsTask();
            await UntilAskedAsync(Home, i);
            _world.Time.Advance(TimeSpan.FromSeconds(2));
            Assert.That(await call, Is.Not.Empty);
        }

        var start = _world.Time.GetUtcNow();
        for (var i = 0; i < 20; i++)
        {
            Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
        }

        Assert.That(_world.Time.GetUtcNow(), Is.EqualTo(start), "no one waited");
        Assert.That(Asked(Home), Is.EqualTo(4));
    }

    [Test]
    public async Task A_Region_that_is_down_is_tried_in_the_background_and_taken_back_when_it_recovers()
    {
        var ring = Ring("AccessKeys", o => o.Resilience.BreakerMinimumThroughput = 2);
        _world.Aws.Faults.Add(Fault.BlackHole() with { Region = Home });
        for (var i = 1; i <= 2; i++)
        {
            var call = ring.EncryptAsync(Plaintext).AsTask();
            await UntilAskedAsync(Home, i);
            _world.Time.Advance(TimeSpan.FromSeconds(2));
            await call;
        }

        _world.Time.Advance(TimeSpan.FromSeconds(15));
        await ring.EncryptAsync(Plaintext);                     // served by the replica; the trial hangs
        await UntilAskedAsync(Home, 3);
        await ring.EncryptAsync(Plaintext);
        Assert.That(Asked(Home), Is.EqualTo(3), "one trial at a time");

        _world.Time.Advance(TimeSpan.FromSeconds(2));           // the trial fails
        await _world.LoggedAsync("Region us-east-2 is tried instead", 3);
        _world.Aws.Faults.Clear();
        _world.Time.Advance(TimeSpan.FromSeconds(15));
        await UntilWrittenByAsync(ring, _world.Key.Arn);
    }

    [Test]
    public async Task A_refusal_in_one_Region_is_the_answer()
    {
        var ring = Ring("AccessKeys");
        _world.Key.Disable();

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(Plaintext));

        Assert.That(thrown!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(Asked(Away), Is.Zero);
    }

    [Test]
    public async Task A_refusal_leads_to_the_next_Region_if_the_host_allows_it()
    {
        var ring = Ring("AccessKeys", o => o.FailoverOnRevokedReplica = true);
        var before = await ring.EncryptAsync(Plaintext);
        _world.Key.Disable();

        var during = await ring.EncryptAsync(Plaintext);

        Assert.That(await ring.DecryptAsync(before), Is.EqualTo(Plaintext));
        Assert.That(await ring.DecryptAsync(during), Is.EqualTo(Plaintext));
        Assert.That(_world.Logs.Entries, Has.Some.Contains("was denied: KeyDisabled. Region us-east-2 is tried instead."));
        _replica.Disable();
        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(Plaintext));
        Assert.That(thrown!.KeyArn.Region, Is.EqualTo(Home), "of two denials, that of the key's own Region");
    }

    [Test]
    public async Task An_outage_here_and_a_denial_by_a_replica_that_never_accepted_is_the_outage()
    {
        var ring = Ring("AccessKeys");
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home });
        _replica.Disable();

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(Plaintext));

        Assert.That((thrown!.IsTransient, thrown.Region), Is.EqualTo((true, Home)));
    }

    [TestCase("Encrypt", false)]
    [TestCase("Decrypt", false)]
    [TestCase("DescribeKey", true)]
    public async Task A_denial_by_a_replica_counts_unless_the_primary_Region_has_accepted_a_use_since(string action, bool counts)
    {
        var ring = Ring("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        var outage = _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home });
        await ring.DecryptAsync(message); // by the replica
        _world.Aws.Faults.Remove(outage);
        await (action switch
        {
            "Encrypt" => ring.EncryptAsync(Plaintext).AsTask(),
            "Decrypt" => ring.DecryptAsync(message).AsTask(),
            _ => (Task)ring.ProbeAsync(),
        });
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home });
        _replica.Disable();

        var thrown = await Assert.CatchAsync<ByokException>(async () => await ring.EncryptAsync(Plaintext));

        Assert.That(thrown is ByokKeyUnavailableException, Is.EqualTo(counts), thrown!.Message);
    }

    [Test]
    public async Task When_all_Regions_are_down_the_customers_own_is_told_of()
    {
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await Ring("AccessKeys").EncryptAsync(Plaintext));

        Assert.That((thrown!.Region, thrown.IsTransient), Is.EqualTo((Home, true)));
        Assert.That((Asked(Home), Asked(Away)), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task A_hostile_message_is_asked_about_once()
    {
        var ring = Ring("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Aws.Faults.Add(Fault.Error("InvalidCiphertextException") with { Operation = "Decrypt" });

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message));

        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.EqualTo(1));
    }

    private IByokKeyRing Ring(string type, Action<ByokOptions>? options = null) =>
        _world.Ring(type, s => s.ReplicaRegions = [Away], options);

    private int Asked(string region) => _world.Aws.Log.Requests.Count(request => request.Service == "kms" && request.Region == region);

    private Task UntilAskedAsync(string region, int count) =>
        ByokWorld.UntilAsync(() => Asked(region) >= count, $"{region} was not asked {count} times");

    /// <summary>The trial is made in the background, so that the first calls may still go to the replica.</summary>
    private async Task UntilWrittenByAsync(IByokKeyRing ring, string keyArn)
    {
        var arn = "";
        for (var start = TimeProvider.System.GetTimestamp(); arn != keyArn;)
        {
            Assert.That(TimeProvider.System.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(30)), "the Region was not taken back");
            _world.Time.Advance(TimeSpan.FromSeconds(1));
            arn = ByokMessage.Read(await ring.EncryptAsync(Plaintext)).KeyArns[0].ToString();
        }
    }
}
