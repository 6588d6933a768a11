using Amazon;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>A clock that is off: AWS's answer teaches the AWS SDK by how much, so the call is repeated, at once and once.</summary>
/// <remarks>Alone with the AWS SDK's correction: the other tests have it off (<see cref="ProcessSetup"/>).</remarks>
[NonParallelizable]
internal sealed class ClockSkewTests
{
    private ByokWorld _world = null!;

    [OneTimeSetUp]
    public void TurnCorrectionOn() => AWSConfigs.CorrectForClockSkew = true;

    [OneTimeTearDown]
    public void TurnCorrectionOff() => AWSConfigs.CorrectForClockSkew = false;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_clock_that_is_off_costs_one_request_and_no_pause(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type, [Values(-10, 10)] int minutes)
    {
        var ring = _world.Ring(type);

        // The answer to the unsigned call of sts:AssumeRoleWithWebIdentity has the wrong time in it, too, and would teach the AWS SDK
        // beforehand.
        _world.Aws.Faults.Add(
            Fault.ClockSkew(TimeSpan.FromMinutes(minutes)) with { Service = type == ByokCredentialSettings.AssumeRoleType ? null : "kms" });

        var message = await ring.EncryptAsync(new byte[] { 1, 2 });

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(new byte[] { 1, 2 }));
        Assert.That(_world.Aws.Log.Requests.Count(request => request.ErrorCode is not null), Is.EqualTo(1));
    }

    [Test]
    public async Task Of_calls_at_the_same_time_none_fails_and_no_breaker_opens()
    {
        var ring = _world.Ring("AccessKeys", options: o => (o.Resilience.MaxRetryAttempts, o.Resilience.BreakerMinimumThroughput) = (3, 4));
        _world.Aws.Faults.Add(Fault.ClockSkew(TimeSpan.FromMinutes(10)));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ring.EncryptAsync(new byte[1]).AsTask()));

        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.InRange(9, 16));
    }

    [Test]
    public async Task A_second_failure_is_transient_and_ends_it(
        [Values("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture")] string code)
    {
        var ring = _world.Ring("AccessKeys", options: o => o.Resilience.MaxRetryAttempts = 3);
        _world.Aws.Faults.Add(Fault.Error(code));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That((thrown!.IsTransient, thrown.Operation, _world.Aws.Log.Count("Encrypt")), Is.EqualTo((true, "kms:Encrypt", 2)));
        Assert.That(thrown.Message, Does.Contain("clock"));
    }

    [Test]
    public async Task An_outage_between_does_not_bring_another_such_retry()
    {
        var ring = _world.Ring("AccessKeys", options: o =>
        {
            o.Resilience.MaxRetryAttempts = 3;
            (o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) = (TimeSpan.FromMinutes(40), TimeSpan.FromHours(1));
        });
        _world.Aws.Faults.Add(Fault.Error("RequestExpired") with { Times = 1 });
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Times = 1 });
        _world.Aws.Faults.Add(Fault.Error("RequestExpired"));

        await Assert.ThrowsAsync<ByokServiceException>(() => _world.PassPausesAsync(ring.EncryptAsync(new byte[1]).AsTask()));

        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(3));
    }
}
