using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Polly;
using Polly.Retry;
using Scalr.Byok.Kms.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>What passes by itself is tried again, and nothing else is.</summary>
internal sealed class RetryTests
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromMinutes(40);
    private static readonly TimeSpan TotalTimeout = TimeSpan.FromHours(1);

    private ByokWorld _world = null!;

    public static IEnumerable<TestCaseData> Passing()
    {
        yield return Case("500", Fault.Error("InternalFailure", 500));
        yield return Case("KMSInternalException", Fault.Error("KMSInternalException", 500));
        yield return Case("throttling", Fault.Error("ThrottlingException"));
        yield return Case("a reset", Fault.Drop());
        yield return Case("a cut body", Fault.CutBody());
        yield return Case("an empty 200", Fault.Body(200, "application/x-amz-json-1.1", ""));
        yield return Case("a 200 without members", Fault.Body(200, "application/x-amz-json-1.1", "{}"));
        yield return Case("HTML 403", Fault.Body(403, "text/html", "<html></html>"));
        yield return Case("HTML 502", Fault.Body(502, "text/html", "<html></html>"));
        yield return Case("more than 1 MiB", Fault.LongBody(200, "text/plain", "", 2_000_000));
    }

    public static IEnumerable<TestCaseData> Lasting()
    {
        yield return Case("access denied", Fault.Error("AccessDeniedException"));
        yield return Case("disabled", Fault.Error("DisabledException"));
        yield return Case("not found", Fault.Error("NotFoundException"));
        yield return Case("validation", Fault.Error("ValidationException"));
    }

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCaseSource(nameof(Passing))]
    public async Task What_passes_by_itself_is_tried_again(Fault fault)
    {
        var ring = Ring("AssumeRole");
        foreach (var operation in new[] { "AssumeRole", "Encrypt", "Decrypt" })
        {
            _world.Aws.Faults.Add(fault with { Operation = operation, Times = 1 });
        }

        var message = await _world.PassPausesAsync(ring.EncryptAsync(new byte[3]).AsTask());

        Assert.That(await _world.PassPausesAsync(ring.DecryptAsync(message).AsTask()), Is.EqualTo(new byte[3]));
        Assert.That((Count("AssumeRole"), Count("Encrypt"), Count("Decrypt")), Is.EqualTo((2, 2, 2)));
    }

    [TestCaseSource(nameof(Lasting))]
    public async Task What_somebody_has_to_mend_is_not_tried_again(Fault fault)
    {
        _world.Aws.Faults.Add(fault);

        await Assert.CatchAsync<ByokException>(() => _world.PassPausesAsync(Ring("AccessKeys").EncryptAsync(new byte[1]).AsTask()));

        Assert.That(Count("Encrypt"), Is.EqualTo(1));
    }

    [Test]
    public async Task An_outage_is_tried_again_three_times([Values] bool lasts)
    {
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = "Encrypt", Times = lasts ? null : 3 });

        var call = _world.PassPausesAsync(Ring("AccessKeys").EncryptAsync(new byte[1]).AsTask());

        await Assert.ThatAsync(
            () => call,
            lasts ? Throws.TypeOf<ByokServiceException>().With.Message.Contains("AWS answered InternalFailure") : Throws.Nothing);
        Assert.That(Count("Encrypt"), Is.EqualTo(4));
        Assert.That(
            _world.Logs.Entries.Count(entry =>
                entry.StartsWith("Warning", StringComparison.Ordinal) && entry.Contains("kms:Encrypt on key", StringComparison.Ordinal)),
            Is.EqualTo(lasts ? 1 : 0),
            "one call, one warning");
    }

    [Test]
    public async Task Throttling_is_waited_out()
    {
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Times = 10 });

        await _world.PassPausesAsync(Ring("AccessKeys").EncryptAsync(new byte[1]).AsTask());

        Assert.That(Count("Encrypt"), Is.EqualTo(11));
    }

    [Test]
    [Category("Slow")]
    public async Task Throttling_of_half_of_all_calls_fails_none()
    {
        var ring = Ring("AssumeRole");
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Probability = 0.5 });

        for (var i = 0; i < 100; i++)
        {
            var message = await _world.PassPausesAsync(ring.EncryptAsync(new byte[] { 1, 2 }).AsTask());
            Assert.That(await _world.PassPausesAsync(ring.DecryptAsync(message).AsTask()), Is.EqualTo(new byte[] { 1, 2 }));
        }

        Assert.That(Count("Encrypt"), Is.InRange(120, 400));
    }

    [Test]
    public async Task The_pause_is_the_one_that_AWS_asks_for()
    {
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException", retryAfter: TimeSpan.FromSeconds(7)) with { Times = 1 });
        var start = _world.Time.GetUtcNow();

        await _world.PassPausesAsync(Ring("AccessKeys").EncryptAsync(new byte[1]).AsTask());

        Assert.That(_world.Time.GetUtcNow() - start, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(7)));
    }

    [Test]
    public async Task A_pause_beyond_the_total_time_limit_is_not_waited_for()
    {
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException", retryAfter: TimeSpan.FromHours(2)));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await Ring("AccessKeys").EncryptAsync(new byte[1]));

        Assert.That(thrown!.RetryAfter, Is.EqualTo(TimeSpan.FromHours(2)));
        Assert.That(Count("Encrypt"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_call_that_hangs_is_cut_off_and_tried_again()
    {
        _world.Aws.Faults.Add(Fault.BlackHole() with { Times = 1 });
        var call = Ring("AccessKeys").EncryptAsync(new byte[1]).AsTask();
        await _world.ReceivedAsync("Encrypt");

        _world.Time.Advance(AttemptTimeout);
        var pumped = _world.PassPausesAsync(call);

        Assert.That(await pumped, Is.Not.Empty);
        Assert.That(Count("Encrypt"), Is.EqualTo(2));
    }

    [Test]
    public async Task The_total_time_limit_ends_it_with_what_happened_last()
    {
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException", retryAfter: TimeSpan.FromMinutes(25)));
        var start = _world.Time.GetUtcNow();

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(
            () => _world.PassPausesAsync(Ring("AccessKeys").EncryptAsync(new byte[1]).AsTask()));

        Assert.That(thrown!.Message, Does.Contain("AWS answered ThrottlingException"));
        Assert.That(
            _world.Time.GetUtcNow() - start,
            Is.InRange(TimeSpan.FromMinutes(50), TotalTimeout),
            "what is left is shorter than what AWS asks for");
        Assert.That(Count("Encrypt"), Is.EqualTo(3));
    }

    [Test]
    public async Task Fifty_callers_without_a_session_cost_four_tries_of_STS()
    {
        var ring = Ring("AssumeRole");
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = "AssumeRole" });

        var calls = Enumerable.Range(0, 50).Select(_ => ring.EncryptAsync(new byte[1]).AsTask()).ToList();
        await Assert.ThrowsAsync<ByokServiceException>(() => _world.PassPausesAsync(Task.WhenAll(calls)));

        Assert.That(calls.Select(call => call.Exception?.InnerException), Is.All.TypeOf<ByokServiceException>());
        Assert.That(Count("AssumeRole"), Is.InRange(4, 30), "shared, though the jitter spreads the callers");
    }

    [Test]
    public async Task A_cancelled_pause_ends_at_once()
    {
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));
        using var cancellation = new CancellationTokenSource();
        var call = Ring("AccessKeys").EncryptAsync(new byte[1], cancellationToken: cancellation.Token).AsTask();
        await _world.ReceivedAsync("Encrypt");

        await cancellation.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => call);
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
    }

    [Test]
    public async Task The_host_can_change_the_numbers_and_replace_the_retries()
    {
        var (numbers, own) = (_world.Services(BeGenerous), _world.Services(BeGenerous));
        numbers.AddScalrByok().ConfigureResilience(o => o.MaxRetryAttempts = 1).AddKeyRing(Settings);
        own.AddScalrByok().UseResiliencePipeline(pipeline => pipeline.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = 5,
            Delay = TimeSpan.Zero,
            ShouldHandle = new PredicateBuilder().Handle<ByokServiceException>(e => e.IsTransient),
        })).AddKeyRing(Settings);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));

        await FailAsync(numbers);
        Assert.That(Count("Encrypt"), Is.EqualTo(2));
        await FailAsync(own);
        Assert.That(Count("Encrypt"), Is.EqualTo(2 + 6));

        void Settings(ByokKeySettings s) => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials);
        async Task FailAsync(ServiceCollection services) => await Assert.ThrowsAsync<ByokServiceException>(
            () => _world.PassPausesAsync(_world.Build(services).GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1]).AsTask()));
    }

    [Test]
    public void The_two_ways_to_change_resilience_cannot_be_mistaken_for_one_another()
    {
        var builder = _world.Services(BeGenerous).AddScalrByok();

        Assert.That(builder.ConfigureResilience(_ => { }), Is.SameAs(builder));
        Assert.That(builder.Services.Any(service => service.ServiceType == typeof(ResilienceReplacement)), Is.False);
        Assert.That(builder.UseResiliencePipeline(_ => { }), Is.SameAs(builder));
        Assert.That(builder.Services.Any(service => service.ServiceType == typeof(ResilienceReplacement)), Is.True);
    }

    private static TestCaseData Case(string name, Fault fault) => new TestCaseData(fault).SetArgDisplayNames(name);

    /// <summary>A ring with retries as by default, and time limits that the moving clock does not reach.</summary>
    private IByokKeyRing Ring(string type) => _world.Ring(type, options: o =>
    {
        o.Resilience.MaxRetryAttempts = 3;
        BeGenerous(o);
    });

    private static void BeGenerous(ByokOptions options)
    {
        (options.Resilience.AttemptTimeout, options.Resilience.TotalTimeout) = (AttemptTimeout, TotalTimeout);
        options.RoleCheckInterval = TimeSpan.FromHours(1); // pumped time adds up to minutes
    }

    private int Count(string operation) => _world.Aws.Log.Count(operation);
}
