using System.Globalization;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>A key's Region that is down is left alone for a while.</summary>
internal sealed class CircuitBreakerTests
{
    private static readonly TimeSpan BreakDuration = TimeSpan.FromSeconds(15);

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task An_open_breaker_fails_at_once_and_says_since_when_and_until_when()
    {
        var ring = Ring();
        await OpenAsync(ring);
        var since = _world.Time.GetUtcNow();
        _world.Time.Advance(TimeSpan.FromSeconds(5));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(Count("Encrypt"), Is.EqualTo(4), "nothing was sent");
        Assert.That(thrown!.Message, Is.EqualTo(string.Create(
            CultureInfo.InvariantCulture,
            $"kms:Encrypt for the key {_world.Key.Arn} was not tried, because AWS KMS has not answered it in Region us-east-1 since "
            + $"{since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC. "
            + $"The next attempt is due at {(since + BreakDuration).UtcDateTime:HH:mm:ss} UTC. The key itself is not the cause. "
            + $"The last error was: {thrown.InnerException!.Message}")));
        Assert.That(
            (thrown.IsTransient, thrown.RetryAfter, thrown.Operation, thrown.Region),
            Is.EqualTo((true, TimeSpan.FromSeconds(10), "kms:Encrypt", "us-east-1")));
    }

    [Test]
    public async Task One_call_tries_again_and_its_outcome_decides([Values] bool works)
    {
        var ring = Ring();
        await OpenAsync(ring);
        var since = _world.Time.GetUtcNow();
        _world.Time.Advance(BreakDuration);
        if (works)
        {
            _world.Aws.Faults.Clear();
            Assert.That(await ring.DecryptAsync(await ring.EncryptAsync("abc"u8.ToArray())), Is.EqualTo("abc"u8.ToArray()));
            return;
        }

        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(Count("Encrypt"), Is.EqualTo(5));
        Assert.That(
            thrown!.Message,
            Does.Contain(string.Create(CultureInfo.InvariantCulture, $"since {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC")),
            "since it opened first");
    }

    [TestCase("ThrottlingException", 400)]
    [TestCase("DisabledException", 400)]
    [TestCase("AccessDeniedException", 400)]
    public async Task Answers_of_a_Region_that_is_alive_do_not_open_it(string code, int status)
    {
        var ring = Ring();
        _world.Aws.Faults.Add(Fault.Error(code, status));
        for (var i = 0; i < 10; i++)
        {
            await Assert.CatchAsync<ByokException>(async () => await ring.EncryptAsync(new byte[1]));
            _world.Time.Advance(TimeSpan.FromSeconds(60)); // past the pause after a denial
        }

        Assert.That(Count("Encrypt"), Is.EqualTo(10));
    }

    [Test]
    public async Task A_Region_that_says_200_to_everything_is_down()
    {
        var ring = Ring();
        await OpenAsync(ring, Fault.Body(200, "application/x-amz-json-1.1", "{}"));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(Count("Encrypt"), Is.EqualTo(4), "nothing was sent");
        Assert.That(thrown!.Message, Does.Contain("was not tried"));
    }

    [Test]
    public async Task A_call_that_meets_the_trial_pauses_and_tries_again()
    {
        var ring = _world.Ring("AccessKeys", options: Retry);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));
        await Assert.ThrowsAsync<ByokServiceException>(() => _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask()));
        Assert.That(Count("Encrypt"), Is.EqualTo(4), "the breaker is open");
        _world.Time.Advance(BreakDuration);
        var held = new TaskCompletionSource();
        _world.Aws.Faults.Clear();
        _world.Aws.Faults.Add(Fault.Hold(held.Task) with { Times = 1 });
        var trial = ring.EncryptAsync(new byte[1]).AsTask();
        await _world.ReceivedAsync("Encrypt", 5);
        var other = ring.EncryptAsync(new byte[1]).AsTask();
        await ByokWorld.UntilAsync(() => other.IsCompleted || _world.Clock.Pauses == 1, "the other call does not pause");
        Assert.That((other.IsCompleted, Count("Encrypt")), Is.EqualTo((false, 5)));
        held.SetResult();

        Assert.That(await trial, Is.Not.Empty);
        Assert.That(await _world.PassPausesAsync(other), Is.Not.Empty);
    }

    [Test]
    public async Task A_replica_that_fails_once_is_tried_again_although_the_breaker_of_the_primary_Region_is_open()
    {
        const string away = "us-east-2";
        _world.Key.Replicate(away);
        _world.User.Policy = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(_world.Key.Arn), [away]);
        var ring = _world.Ring("AccessKeys", settings => settings.ReplicaRegions = [away], Retry);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = ByokWorld.Region });
        for (var i = 0; i < 5; i++)
        {
            await ring.EncryptAsync(new byte[1]); // the replica answers
        }

        var asked = _world.Aws.Log.Requests.Count(request => request.Region == ByokWorld.Region);
        Assert.That(asked, Is.EqualTo(4), "the breaker is open");
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = away, Times = 1 });

        Assert.That(await _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask()), Is.Not.Empty);
    }

    /// <summary>A timer that fires late shows that the host had no free thread: the answer may have been there, too.</summary>
    [Test]
    public async Task A_time_limit_that_the_host_noticed_late_does_not_count([Values] bool late)
    {
        var limit = TimeSpan.FromSeconds(2);
        var ring = _world.Ring("AccessKeys", options: o =>
        {
            (o.Resilience.BreakerMinimumThroughput, o.Resilience.AttemptTimeout) = (4, limit);
            o.Resilience.BreakerSamplingDuration = TimeSpan.FromHours(1);
        });
        _world.Aws.Faults.Add(Fault.BlackHole());
        for (var i = 1; i <= 4; i++)
        {
            var call = ring.EncryptAsync(new byte[1]).AsTask();
            await _world.ReceivedAsync("Encrypt", i);
            _world.Time.Advance(late ? limit * 2 : limit);
            var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => call);
            Assert.That(thrown!.Message, Does.Contain("did not finish within 2 s"));
            Assert.That(
                thrown.Message.Contains("noticed 2 s late because it had no free thread", StringComparison.Ordinal), Is.EqualTo(late));
            Assert.That(thrown.IsTransient, Is.True);
        }

        _world.Aws.Faults.Clear();
        if (late)
        {
            Assert.That(await ring.EncryptAsync(new byte[1]), Is.Not.Empty);
        }
        else
        {
            var next = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
            Assert.That(next!.Message, Does.Contain("was not tried"));
        }
    }

    [Test]
    public async Task Another_customers_key_has_a_breaker_of_its_own()
    {
        var ring = Ring();
        await OpenAsync(ring);
        _world.Aws.Faults.Clear();
        var other = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = Policies.Permissions(other.Arn);

        Assert.That(await _world.Ring("AccessKeys", s => s.KeyArn = other.Arn).EncryptAsync(new byte[1]), Is.Not.Empty);
        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
    }

    private static void Retry(ByokOptions options)
    {
        (options.Resilience.BreakerMinimumThroughput, options.Resilience.MaxRetryAttempts) = (4, 3);
        // the test's clock runs fast
        (options.Resilience.AttemptTimeout, options.Resilience.TotalTimeout) = (TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        options.Resilience.BreakerSamplingDuration = TimeSpan.FromHours(1);
    }

    private IByokKeyRing Ring() => _world.Ring("AccessKeys", options: o => o.Resilience.BreakerMinimumThroughput = 4);

    private async Task OpenAsync(IByokKeyRing ring, Fault? fault = null)
    {
        _world.Aws.Faults.Add(fault ?? Fault.Error("InternalFailure", 500));
        for (var i = 0; i < 4; i++)
        {
            await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
        }
    }

    private int Count(string operation) => _world.Aws.Log.Count(operation);
}
