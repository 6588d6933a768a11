using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>No observer can hold up a caller, another observer for ever, or the end of the host.</summary>
[CancelAfter(120_000)]
internal sealed class KeyEventDeliveryTests
{
    private static readonly TimeSpan Limit = new ByokKeyEventOptions().ObserverTimeout;

    private Fleet _fleet = null!;
    private FakeTimeProvider _time = null!;
    private CountingTime _clock = null!;
    private CapturedLogs _logs = null!;
    private RecordingObserver _other = null!;

    [SetUp]
    public void Start()
    {
        _fleet = new Fleet();
        _time = new FakeTimeProvider();
        _clock = new CountingTime(_time);
        _logs = new CapturedLogs();
        _other = new RecordingObserver(_time);
    }

    [TearDown]
    public void Stop() => _logs.Dispose();

    [Test]
    public async Task The_queue_is_bounded_and_the_oldest_events_are_dropped()
    {
        var hold = new Hold();
        using var delivery = Delivery(_other, new Function((_, token) => hold.ObeyAsync(token)), maxQueued: 3);
        delivery.Enqueue(Event(0));
        await hold.Reached;
        for (var i = 1; i <= 10; i++)
        {
            delivery.Enqueue(Event(i));
        }

        hold.Release();
        await _other.NextAsync(4);

        Assert.That(_other.Events.Select(one => one.Id), Is.EqualTo(RecordingObserver.List("0", "8", "9", "10")));
        Assert.That(_logs.Entries.Single(), Does.StartWith("Error ").And.Contain(" 66: 7 key events were dropped"));
    }

    [Test]
    public async Task An_observer_that_throws_is_logged_by_its_type_and_the_others_hear([Values] bool isAsync)
    {
        using var delivery = Delivery(
            new Function(isAsync ? FailAsync : (_, _) => throw new InvalidOperationException("s3cret")), _other);
        delivery.Enqueue(Event(1));
        delivery.Enqueue(Event(2));
        await _other.NextAsync(2);
        await ByokWorld.UntilAsync(() => _logs.Entries.Count == 2, "both failures were not logged");

        Assert.That(_logs.Entries, Is.All.Contains("Function failed with InvalidOperationException").And.None.Contain("s3cret"));

        static async Task FailAsync(ByokKeyEvent keyEvent, CancellationToken token)
        {
            await Task.Yield();
            throw new InvalidOperationException("s3cret");
        }
    }

    [Test]
    public async Task Events_go_on_after_any_exception_and_with_a_log_that_throws([Values] bool logThrows)
    {
        var calls = 0;
        using var delivery = new KeyEventDelivery(
            new ByokKeyEventOptions(),
            [
                () => new Function((_, _) => Interlocked.Increment(ref calls) == 1
                    ? throw new InsufficientMemoryException()
                    : Task.CompletedTask),
                () => _other,
            ],
            _fleet,
            _clock,
            logThrows ? new ThrowingLogger() : NullLogger.Instance);
        delivery.Enqueue(Event(1));
        delivery.Enqueue(Event(2));

        await _other.NextAsync(2);

        Assert.That(_other.Events.Select(one => one.Id), Is.EqualTo(RecordingObserver.List("1", "2")));
    }

    [Test]
    public async Task An_observer_that_hangs_costs_the_others_one_time_limit([Values] bool blocks)
    {
        var hold = new Hold();
        using var gate = new ManualResetEventSlim();
        var calls = 0;
        using var delivery = Delivery(
            _other,
            new Function((_, token) =>
            {
                if (Interlocked.Increment(ref calls) > 1)
                {
                    return Task.CompletedTask;
                }

                if (blocks)
                {
                    gate.Wait(CancellationToken.None);
                    return Task.CompletedTask;
                }

                return hold.IgnoreAsync(token);
            }));
        delivery.Enqueue(Event(1));
        delivery.Enqueue(Event(2));
        await ByokWorld.UntilAsync(
            () => Volatile.Read(ref calls) == 1 && _clock.Limits(Limit) > 0 && _other.Events.Count == 1, "the observers were not called");
        _time.Advance(Limit);
        await _other.NextAsync(2);
        delivery.Enqueue(Event(3));
        await _other.NextAsync(3);
        Assert.That(_other.Times[2] - _other.Times[0], Is.EqualTo(Limit), "it is not waited for again");

        hold.Release();
        gate.Set();
        await ByokWorld.UntilAsync(
            () =>
            {
                delivery.Enqueue(Event(4));
                return Volatile.Read(ref calls) > 1;
            },
            "an observer that has returned gets the next event");
        Assert.That(
            _logs.Entries.First(), Does.StartWith("Error ").And.Contain(" 64: ").And.Contain("Function did not return within 00:00:30"));
        Assert.That(_logs.Entries.Skip(1).First(), Does.Contain(" 65: ").And.Match("Function missed [0-9]+ events"));
    }

    [Test]
    public async Task A_call_that_exceeds_the_limit_is_cancelled_and_gets_the_next_event()
    {
        var hold = new Hold();
        var calls = 0;
        using var delivery = Delivery(new Function(
            (_, token) => Interlocked.Increment(ref calls) == 1 ? hold.ObeyAsync(token) : Task.CompletedTask));
        delivery.Enqueue(Event(1));
        await hold.Reached;
        await ByokWorld.UntilAsync(() => _clock.Limits(Limit) > 0, "no time limit runs");
        _time.Advance(Limit);
        await ByokWorld.UntilAsync(() => !_logs.Entries.IsEmpty, "nothing was logged");
        await ByokWorld.UntilAsync(
            () =>
            {
                delivery.Enqueue(Event(2));
                return Volatile.Read(ref calls) > 1;
            },
            "the next event did not come");

        Assert.That(_logs.Entries.First(), Does.Contain(" 64: "));
    }

    [Test]
    public async Task Disposal_cancels_the_observers_and_leaves_no_timer()
    {
        var (obedient, deaf) = (new Hold(), new Hold());
        var cancelled = new TaskCompletionSource();
        var delivery = Delivery(
            new Function(async (_, token) =>
            {
                token.Register(cancelled.SetResult);
                await obedient.ObeyAsync(token);
            }),
            new Function((_, token) => deaf.IgnoreAsync(token)));
        delivery.Enqueue(Event(1));
        delivery.Enqueue(Event(2));
        await obedient.Reached;
        await deaf.Reached;

        delivery.Dispose();
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));

        await ByokWorld.UntilAsync(() => _clock.Alive == 0, "timers are left");
        delivery.Enqueue(Event(3));
        Assert.That(_logs.Entries, Is.Empty);
    }

    [Test]
    public async Task An_observer_that_cannot_be_created_is_left_out()
    {
        using var delivery = new KeyEventDelivery(
            new ByokKeyEventOptions(), [() => throw new ArgumentException("s3cret"), () => _other], _fleet, _clock, Logger);
        delivery.Enqueue(Event(1));
        await _other.NextAsync();

        Assert.That(_logs.Entries.Single(), Does.Contain("IByokKeyObserver failed with ArgumentException").And.Not.Contain("s3cret"));
    }

    [Test]
    public async Task An_event_that_another_instance_has_reported_is_not_reported_again()
    {
        _fleet.MayReport = one => one.Id == "1" ? throw new TimeoutException() : one.Id != "2";
        using var delivery = Delivery(_other);
        for (var i = 1; i <= 3; i++)
        {
            delivery.Enqueue(Event(i));
        }

        await _other.NextAsync(2);
        Assert.That(_other.Events.Select(one => one.Id), Is.EqualTo(RecordingObserver.List("1", "3")), "a failure counts as not reported");
    }

    [TestCase(false, ExpectedResult = "1, 2")]
    [TestCase(true, ExpectedResult = "2")]
    public async Task<string> An_event_counts_as_reported_once_every_observer_has_taken_it(bool failsOnce)
    {
        var isFirst = failsOnce;
        var observer = new Function((_, _) =>
        {
            var fails = isFirst;
            isFirst = false;
            return fails ? Task.FromException(new InvalidOperationException()) : Task.CompletedTask;
        });
        using var delivery = Delivery(_other, observer);

        delivery.Enqueue(Event(1));
        delivery.Enqueue(Event(2));

        await ByokWorld.UntilAsync(() => _fleet.Reported.Contains("2"), "the second event was not noted");
        return string.Join(", ", _fleet.Reported);
    }

    private ILogger Logger => _logs.CreateLogger("Events");

    private KeyEventDelivery Delivery(IByokKeyObserver observer, IByokKeyObserver? other = null, int maxQueued = 1_000) => new(
        new ByokKeyEventOptions { MaxQueued = maxQueued },
        new[] { observer, other }.OfType<IByokKeyObserver>().Select(one => (Func<IByokKeyObserver>)(() => one)),
        _fleet,
        _clock,
        Logger);

    private static ByokKeyEvent Event(int number) => new()
    {
        Id = number.ToString(CultureInfo.InvariantCulture),
        Kind = ByokKeyEventKind.Denied,
        KeyArn = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"),
        Code = "KeyDisabled",
        Owner = ByokKeyFindingOwner.Customer,
        Message = "The key is disabled.",
        Remedy = "Enable the key in AWS KMS.",
        Start = default,
    };

    private sealed class Function(Func<ByokKeyEvent, CancellationToken, Task> observe) : IByokKeyObserver
    {
        public Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) => observe(keyEvent, cancellationToken);
    }

    private sealed class ThrowingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("The log is full.");
    }

    private sealed class Fleet : IEventFleet
    {
        public Func<ByokKeyEvent, bool> MayReport { get; set; } = _ => true;

        public ConcurrentQueue<string> Reported { get; } = new();

        public ValueTask<bool> MayReportAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) => new(MayReport(keyEvent));

        public ValueTask ReportedAsync(ByokKeyEvent keyEvent, bool isTaken, CancellationToken cancellationToken)
        {
            if (isTaken)
            {
                Reported.Enqueue(keyEvent.Id);
            }

            return default;
        }

        public ValueTask<bool> MayQueryAsync(
            RingOwner owner, KmsKeyArn key, TimeSpan interval, CancellationToken cancellationToken) => new(true);
    }
}
