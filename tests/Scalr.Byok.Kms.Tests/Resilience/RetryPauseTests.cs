using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>How long a retry waits: never less than the back-off, and never for what lies beyond the total time limit.</summary>
internal sealed class RetryPauseTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly CountingTime _clock;
    private readonly ConcurrentQueue<DateTimeOffset> _attempts = new();

    public RetryPauseTests() => _clock = new CountingTime(_time);

    [SetUp]
    public void Reset() => _attempts.Clear();

    [TestCase(null)]
    [TestCase(0)]
    [TestCase(10)]
    public async Task A_pause_is_never_shorter_than_the_back_off(int? retryAfter)
    {
        var call = CallAsync(retryAfter is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null);

        await PassPausesAsync(() => _attempts.Count >= 6);

        var pauses = _attempts.Zip(_attempts.Skip(1), (first, next) => (next - first).TotalMilliseconds).ToArray();
        foreach (var (pause, backOff) in pauses.Zip([400, 800, 1600, 2000, 2000]))
        {
            Assert.That(pause, Is.GreaterThanOrEqualTo(backOff / 2), "half of the back-off is the least");
        }

        _time.Advance(TimeSpan.FromHours(1));
        await Assert.CatchAsync(() => call);
    }

    [Test]
    public async Task A_pause_that_AWS_asks_for_is_waited_for_where_it_is_longer()
    {
        var call = CallAsync(TimeSpan.FromSeconds(7));

        await PassPausesAsync(() => _attempts.Count >= 2);

        Assert.That(_attempts.ElementAt(1) - _attempts.First(), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(7)));
        _time.Advance(TimeSpan.FromHours(1));
        await Assert.CatchAsync(() => call);
    }

    [Test]
    public async Task A_pause_beyond_the_remaining_time_is_reported_at_once()
    {
        var call = CallAsync(TimeSpan.FromSeconds(25));

        await PassPausesAsync(() => call.IsCompleted);

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => call);
        Assert.That(thrown!.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(25)));
        Assert.That(_attempts, Has.Count.InRange(2, 3), "a pause is waited for as long as it ends within the time limit");
    }

    private Task PassPausesAsync(Func<bool> condition) => ByokWorld.StepUntilAsync(
        () =>
        {
            if (_clock.Pauses > 0)
            {
                _time.Advance(TimeSpan.FromMilliseconds(10));
            }

            return condition();
        },
        "the pauses are too long");

    private Task CallAsync(TimeSpan? retryAfter)
    {
        var pipeline = new AwsPipeline(
            new ByokResilienceOptions { TotalTimeout = TimeSpan.FromMinutes(1), RetryDelay = TimeSpan.FromMilliseconds(400) }, _clock);
        return pipeline.OperationAsync(
            token => pipeline.CallAsync(
                _ =>
                {
                    _attempts.Enqueue(_time.GetUtcNow());
                    throw new ByokServiceException("Throttled.") { FailureKind = ServiceFailureKind.Throttled, RetryAfter = retryAfter };
                },
                token),
            CancellationToken.None);
    }
}
