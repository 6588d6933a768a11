using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>
/// Sessions of assumed roles over hours of fake time: begun once, renewed ahead, kept while STS is down, shared by all who wait.
/// </summary>
[TestFixture("AssumeRole", "AssumeRole")]
[TestFixture("Oidc", "AssumeRoleWithWebIdentity")]
internal sealed class SessionRenewalTests
{
    private readonly string _type;
    private readonly string _operation;
    private ByokWorld _world = null!;

    public SessionRenewalTests(string type, string operation)
    {
        _type = type;
        _operation = operation;
    }

    private int Begun => _world.Aws.Log.Requests.Count(r => r.Operation == _operation && r.ErrorCode is null);

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Concurrent_first_calls_make_one_call_to_STS()
    {
        var ring = _world.Ring(_type);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(async () => await ring.EncryptAsync(new byte[16]))));

        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(1));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(50));
    }

    [Test]
    public async Task A_short_session_is_renewed_without_one_failed_or_late_call()
    {
        var ring = _world.Ring(
            _type, options: o => (o.SessionDuration, o.RoleCheckInterval) = (TimeSpan.FromMinutes(20), TimeSpan.FromHours(1)));
        _ = await ring.EncryptAsync(new byte[16]);
        var (sessions, began) = (1, 0);

        for (var minute = 1; minute <= 120; minute++)
        {
            _world.Time.Advance(TimeSpan.FromMinutes(1));

            // No call goes out to STS before this one has ended: a call that waits for a renewal would never end.
            _world.HostCredentials.Close();
            _ = await ring.EncryptAsync(new byte[16]).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            _world.HostCredentials.Open();

            // Due after 15 to 16 of its 20 minutes; the renewal is let through before the clock goes on, since its time limit is on that
            // clock.
            if (minute - began == 16)
            {
                (sessions, began) = (sessions + 1, minute);
                await _world.LoggedAsync("began a session", sessions);
            }
        }

        Assert.That(_world.Aws.Log.Requests.Where(r => r.Operation == "Encrypt").Select(r => r.ErrorCode), Has.Exactly(121).Null);
        Assert.That(Begun, Is.EqualTo(8));
    }

    [Test]
    public async Task STS_down_fails_nothing_until_the_old_session_ends()
    {
        var ring = _world.Ring(_type, options: o => o.SessionDuration = TimeSpan.FromMinutes(20));
        _ = await ring.EncryptAsync(new byte[16]);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = _operation });

        for (var second = 0; second < 1199; second += 11)
        {
            _world.Time.Advance(TimeSpan.FromSeconds(11));
            _ = await ring.EncryptAsync(new byte[16]);
        }

        _world.Time.Advance(TimeSpan.FromSeconds(11));
        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[16]));
        Assert.That(thrown!.IsTransient, Is.True);
        Assert.That(
            _world.Logs.Entries,
            Has.Some.Contains($"sts:{_operation} failed with "),
            "the denial, or the time limit where the fake clock overtook it");

        _world.Aws.Faults.Clear();
        _ = await ring.EncryptAsync(new byte[16]);
        Assert.That(Begun, Is.EqualTo(2));
    }

    [Test]
    public async Task A_session_is_not_used_from_the_moment_at_which_it_ends()
    {
        var duration = TimeSpan.FromMinutes(20);
        var part = _world.Time.GetUtcNow().Ticks % TimeSpan.TicksPerSecond;
        _world.Time.Advance(TimeSpan.FromTicks(TimeSpan.TicksPerSecond - part)); // AWS STS says the end in whole seconds
        var ring = _world.Ring(_type, options: o => o.SessionDuration = duration);
        _ = await ring.EncryptAsync(new byte[16]);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = _operation });

        _world.Time.Advance(duration);

        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[16]));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_failing_renewal_is_not_tried_again_on_every_call()
    {
        var ring = _world.Ring(_type, options: o => o.SessionDuration = TimeSpan.FromMinutes(20));
        _ = await ring.EncryptAsync(new byte[16]);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = _operation });
        _world.Time.Advance(TimeSpan.FromMinutes(17));

        _ = await ring.EncryptAsync(new byte[16]);
        await _world.LoggedAsync($"sts:{_operation} failed");
        for (var i = 0; i < 20; i++)
        {
            _ = await ring.EncryptAsync(new byte[16]);
        }

        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(2), "the first session and one attempt to renew it");
    }

    [Test]
    public async Task A_failure_is_shared_by_all_who_wait_and_the_next_call_tries_anew()
    {
        var ring = _world.Ring(_type);
        var hole = _world.Aws.Faults.Add(Fault.BlackHole() with { Operation = _operation });
        var calls = Enumerable.Range(0, 20).Select(_ => ring.EncryptAsync(new byte[16]).AsTask()).ToList();
        await _world.ReceivedAsync(_operation);

        _world.Time.Advance(TimeSpan.FromSeconds(2));

        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<ByokServiceException>(() => call);
        }

        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(1), "20 callers, one call, one wait");
        _world.Aws.Faults.Remove(hole);
        // the callers' own time limits may have ended sooner than that of what they shared
        await _world.LoggedAsync("The next call tries again");
        _ = await ring.EncryptAsync(new byte[16]);
        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(2));
    }

    [Test]
    public async Task A_caller_who_cancels_does_not_end_the_renewal_of_the_others()
    {
        var ring = _world.Ring(_type);
        _world.HostCredentials.Close();
        using var cancellation = new CancellationTokenSource();
        var impatient = ring.EncryptAsync(new byte[16], cancellationToken: cancellation.Token).AsTask();
        var patient = ring.EncryptAsync(new byte[16]).AsTask();

        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => impatient);
        _world.HostCredentials.Open();

        Assert.That(await patient, Is.Not.Empty);
        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(1));
    }

    [TestCase("ExpiredTokenException")]
    [TestCase("UnrecognizedClientException")]
    public async Task A_session_that_KMS_calls_ended_is_renewed_once_and_the_call_repeated(string code)
    {
        var ring = _world.Ring(_type);
        _ = await ring.EncryptAsync(new byte[16]);
        _world.Aws.Faults.Add(Fault.Error(code) with { Operation = "Encrypt", Times = 1 });

        _ = await ring.EncryptAsync(new byte[16]);

        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(2));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(3));
    }

    [Test]
    public async Task A_session_that_KMS_keeps_calling_ended_is_renewed_only_once()
    {
        var ring = _world.Ring(_type);
        _ = await ring.EncryptAsync(new byte[16]);
        _world.Aws.Faults.Add(Fault.Error("ExpiredTokenException") with { Operation = "Encrypt" });

        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[16]));

        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(2));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(3));
    }

    [Test]
    public async Task STS_is_asked_in_the_region_of_the_key_with_a_duration_and_a_valid_session_name()
    {
        var ring = _world.Ring(_type, options: o =>
            (o.RoleSessionName, o.SessionDuration, o.RoleCheckInterval) =
                ("Scalr: prod/eu ✓", TimeSpan.FromMinutes(45), TimeSpan.FromHours(1)));
        _ = await ring.EncryptAsync(new byte[16]);

        Assert.That(_world.Aws.Log.Requests[0].Region, _type == "Oidc" ? Is.AnyOf("", ByokWorld.Region) : Is.EqualTo(ByokWorld.Region));
        Assert.That(_world.Aws.Log.Requests[^1].Principal, Does.EndWith("/Scalr--prod-eu--"));
        Assert.That(_world.Aws.Log.Requests, Has.All.Property("UserAgent").Contains("app/Scalr.Byok.Kms"));

        _world.Time.Advance(TimeSpan.FromMinutes(35));
        _ = await ring.EncryptAsync(new byte[16]);
        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(1), "45 minutes were asked for, not an hour or a quarter");
        _world.Time.Advance(TimeSpan.FromMinutes(7));
        _ = await ring.EncryptAsync(new byte[16]);
        await _world.ReceivedAsync(_operation, 2);
    }
}
