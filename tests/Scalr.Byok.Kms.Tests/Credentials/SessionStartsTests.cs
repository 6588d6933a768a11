using Amazon.Runtime;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>The limit of new sessions: who begins at once, who waits, and when the host itself has lost its permission.</summary>
internal sealed class SessionStartsTests
{
    private const int PerSecond = 20;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1.0 / PerSecond);

    private FakeTimeProvider _time = null!;
    private AgeClock _clock = null!;
    private SessionStarts _starts = null!;
    private int _owners;

    [SetUp]
    public void Start()
    {
        _time = new FakeTimeProvider();
        _clock = new AgeClock(_time);
        _starts = new SessionStarts(PerSecond, Interval, _clock);
    }

    [TearDown]
    public void Stop() => _starts.Dispose();

    [Test]
    public async Task One_seconds_worth_begins_at_once_and_the_others_wait_in_turn()
    {
        var tasks = Begin(PerSecond + 3, wasDenied: false).Tasks;

        Assert.That(tasks.Select(task => task.IsCompleted), Is.EqualTo(Enumerable.Repeat(true, PerSecond).Concat([false, false, false])));
        for (var i = PerSecond; i < tasks.Count; i++)
        {
            _time.Advance(Turn);
            await tasks[i];
            Assert.That(tasks.Skip(i + 1).Select(task => task.IsCompleted), Has.All.False, "one at a time");
        }
    }

    [Test]
    public async Task Callers_that_keep_arriving_do_not_delay_the_turns()
    {
        var first = Begin(PerSecond + 1, wasDenied: false).Tasks[^1];

        for (var i = 0; i < 4; i++)
        {
            _time.Advance(Turn / 2);
            _ = Begin(1, wasDenied: false);
        }

        await ByokWorld.UntilAsync(() => first.IsCompleted, "two turns have passed, but no session has started");
    }

    [Test]
    public async Task Denied_roles_begin_a_tenth_of_the_sessions()
    {
        var tasks = Begin((PerSecond / 10) + 2, wasDenied: true).Tasks;

        Assert.That(tasks.Select(task => task.IsCompleted), Is.EqualTo((bool[])[true, true, false, false]));
        _time.Advance(9 * Turn);
        Assert.That(tasks[2].IsCompleted, Is.False, "a turn takes ten times as long");
        _time.Advance(Turn);
        await tasks[2];
        Assert.That(tasks[3].IsCompleted, Is.False);
        _time.Advance(10 * Turn);
        await tasks[3];
    }

    /// <summary>A tenant can begin many sessions: by "Test connection", again and again, and by roles of previous keys.</summary>
    [Test]
    public async Task A_tenant_with_many_requests_delays_no_other()
    {
        _ = Begin(PerSecond, wasDenied: false);
        var flood = Enumerable.Range(0, 1000).Select(_ => _starts.Enter(Owner(-1), wasDenied: false)!).ToList();
        var others = Begin(3, wasDenied: false);

        Assert.That(Seconds(others.Turns[0]!), Is.EqualTo(2.0 / PerSecond).Within(0.001));
        Assert.That(Seconds(others.Turns[2]!), Is.EqualTo(4.0 / PerSecond).Within(0.001));
        Assert.That(Seconds(flood[1]), Is.EqualTo(5.0 / PerSecond).Within(0.001));
        Assert.That(Seconds(flood[^1]), Is.EqualTo(1003.0 / PerSecond).Within(0.001));
        for (var turns = 0; turns < 4; turns++)
        {
            _time.Advance(Turn);
        }

        await Task.WhenAll(others.Tasks).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(flood.Count(turn => turn.Come.Task.IsCompleted), Is.EqualTo(1));
        Assert.That(Seconds(flood[0]), Is.Zero);
        Assert.That(Seconds(flood[1]), Is.EqualTo(1.0 / PerSecond).Within(0.001));

        double Seconds(SessionStarts.Turn turn) => _starts.TimeUntil(turn).TotalSeconds;
    }

    [Test]
    public async Task A_caller_that_has_left_takes_no_turn()
    {
        using var source = new CancellationTokenSource();
        _ = Begin(PerSecond, wasDenied: false);
        var gone = SessionStarts.WaitAsync(_starts.Enter(Owner(0), wasDenied: false)!, source.Token).AsTask();
        var next = Begin(1, wasDenied: false).Tasks[0];
        await source.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => gone);

        _time.Advance(Turn);

        await next;
    }

    [Test]
    public async Task Who_waits_at_the_end_is_told()
    {
        var waiting = Begin(PerSecond + 1, wasDenied: false).Tasks[^1];

        _starts.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
    }

    [Test]
    public async Task Throttling_slows_the_starts_to_what_AWS_STS_accepts_once_per_second_and_they_recover()
    {
        _ = Begin(PerSecond, wasDenied: false);
        var waiting = Begin(2, wasDenied: false);
        var role = CreateRole();
        for (var i = 0; i < PerSecond / 2; i++)
        {
            _starts.Succeeded(role);
        }

        _starts.Throttled();
        _starts.Throttled(); // of the same second

        Assert.That(_starts.TimeUntil(waiting.Turns[0]!).TotalMilliseconds, Is.EqualTo(100).Within(1), "10 per second are accepted");
        Assert.That(_starts.TimeUntil(waiting.Turns[1]!).TotalMilliseconds, Is.EqualTo(200).Within(1));
        _time.Advance(Turn);
        Assert.That(waiting.Tasks[0].IsCompleted, Is.False, "nothing is saved up");
        _time.Advance(2 * Turn); // the timer looks again after a turn of the new length
        await ByokWorld.UntilAsync(() => waiting.Tasks[0].IsCompleted, "the first turn did not come");
        Assert.That(_starts.TimeUntil(waiting.Turns[0]!), Is.EqualTo(TimeSpan.Zero));
        _time.Advance(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(1)); // the second turn has come before
        Assert.That(Begin(PerSecond + 1, wasDenied: false).Tasks.Count(task => task.IsCompleted), Is.EqualTo(PerSecond));
        role.Dispose();
    }

    [Test]
    public void Throttling_halves_the_rate_at_most_down_to_one_per_second()
    {
        _ = Begin(PerSecond, wasDenied: false);
        var turn = Begin(1, wasDenied: false).Turns[0];
        List<double> seconds = [];
        for (var i = 0; i < 6; i++)
        {
            _starts.Throttled();
            seconds.Add(_starts.TimeUntil(turn!).TotalSeconds);
            _time.Advance(TimeSpan.FromSeconds(1));
            turn = Begin(PerSecond, wasDenied: false).Turns.First(turn => turn is not null);
        }

        Assert.That(seconds[0], Is.EqualTo(0.1).Within(0.01), "half of 20 per second");
        Assert.That(seconds, Is.All.LessThanOrEqualTo(60), "never less than one per second");
    }

    // "Must show": 2,000 tenants start at once, and AWS STS allows half of what the host's limit allows.
    [Test]
    [Category("Slow")]
    [CancelAfter(300_000)]
    [Retry(3)] // work that the test's machine does late can only lower the number
    public async Task Thousands_of_tenants_that_start_at_once_are_served_at_the_rate_that_AWS_STS_allows()
    {
        const int Tenants = 2000;
        const int Allowed = 50;
        var options = new ByokResilienceOptions();
        var time = new CountingTime(_time);
        var clock = new AgeClock(time);
        var pipeline = new AwsPipeline(options, time);
        using var starts = new SessionStarts(options.MaxSessionStartsPerSecond, Interval, clock);
        var sts = new FakeSts(_time, Allowed);
        var tenants = await StartAsync(Tenants, () => new Tenant(Owner(_owners++), sts, pipeline, starts, clock));

        // Each tenant calls again when its error says so.
        await PassAsync(options.TotalTimeout);
        var first = tenants.Count(tenant => tenant.IsServed);
        await PassAsync(TimeSpan.FromMilliseconds(100));
        var errors = tenants.SelectMany(tenant => tenant.Errors).ToList();
        await PassAsync(TimeSpan.FromSeconds(50) - options.TotalTimeout);

        TestContext.Out.WriteLine($"{first} within 10 s; {sts.Requests} requests for {Tenants} sessions");
        Assert.That(first, Is.GreaterThanOrEqualTo(450));
        Assert.That(errors, Has.All.Property(nameof(ByokServiceException.IsTransient)).True);
        var withoutTime = errors.Where(error => error.RetryAfter is null).ToList();
        Assert.That(withoutTime, Has.Count.LessThan(errors.Count / 20), "only those that AWS STS has throttled just now");
        Assert.That(tenants, Has.All.Property(nameof(Tenant.IsServed)).True);
        Assert.That(tenants.Average(tenant => tenant.Errors.Count), Is.LessThan(1.3), "who waits as long as the error says is served");
        Assert.That(sts.Requests, Is.LessThan(Tenants * 1.3));
        tenants.ForEach(tenant => tenant.Dispose());

        // After each step, everything that it started runs to its end.
        async Task PassAsync(TimeSpan span)
        {
            var step = TimeSpan.FromMilliseconds(20);
            for (var passed = TimeSpan.Zero; passed < span; passed += step)
            {
                for (var i = 0; i < 3; i++)
                {
                    await PoolQueue.PassAsync();
                    await ByokWorld.UntilAsync(() => time.LimitsUpTo(options.AttemptTimeout) == 0, "a request did not end");
                }

                _time.Advance(step);
                var now = _time.GetUtcNow(); // once: FakeTimeProvider passes all its timers on each call
                tenants.ForEach(tenant => tenant.CallAgainWhenDue(now));
            }
        }
    }

    [Test]
    public async Task A_request_that_waits_for_its_turn_has_its_own_time_limit_afterwards()
    {
        var pipeline = new AwsPipeline(new ByokResilienceOptions(), _time);
        using var starts = new SessionStarts(1, Interval, _clock);
        var sts = new FakeSts(_time, int.MaxValue);
        var tenants = await StartAsync(4, () => new Tenant(Owner(_owners++), sts, pipeline, starts, _clock));

        for (var served = 2; served <= 4; served++) // the time limit of a request is 2 s
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await ByokWorld.UntilAsync(() => tenants.Count(tenant => tenant.IsServed) == served, $"{served} were not served");
        }

        Assert.That(tenants.SelectMany(tenant => tenant.Errors), Is.Empty);
        Assert.That(sts.Requests, Is.EqualTo(4));
        tenants.ForEach(tenant => tenant.Dispose());
    }

    [Test]
    public async Task A_caller_joins_the_request_under_way_at_once()
    {
        using var role = new SessionCredentials(
            new Source(static async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                throw new InvalidOperationException();
            }),
            "sts:AssumeRole",
            new AwsPipeline(new ByokResilienceOptions(), _time),
            _starts,
            _clock,
            NullLogger.Instance);
        var first = await role.TurnAsync(instead: null, isConfirmation: false, ByokAuditCause.Call, CancellationToken.None);

        var second = role.TurnAsync(instead: null, isConfirmation: false, ByokAuditCause.Call, CancellationToken.None);

        // Otherwise the request could end before the caller has joined it, and a second one would begin.
        Assert.That(second.IsCompletedSuccessfully, Is.True);
        Assert.That(await second, Is.SameAs(first));
    }

    [Test]
    public async Task A_request_keeps_its_turn_when_its_caller_has_left()
    {
        var pipeline = new AwsPipeline(new ByokResilienceOptions { TotalTimeout = TimeSpan.FromSeconds(3.5) }, _time);
        using var starts = new SessionStarts(1, Interval, _clock);
        var sts = new FakeSts(_time, int.MaxValue);
        var tenants = await StartAsync(6, () => new Tenant(Owner(_owners++), sts, pipeline, starts, _clock));

        for (var served = 2; served <= 4; served++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await ByokWorld.UntilAsync(() => tenants.Count(tenant => tenant.IsServed) == served, $"{served} were not served");
        }

        _time.Advance(TimeSpan.FromSeconds(0.5)); // TotalTimeout
        await ByokWorld.UntilAsync(() => tenants.TrueForAll(tenant => tenant.HasEnded), "a call has no end");
        tenants.ForEach(tenant => tenant.CallAgainWhenDue(_time.GetUtcNow()));
        var errors = tenants.Where(tenant => !tenant.IsServed).Select(tenant => tenant.Errors.Single()).ToList();
        Assert.That(errors, Has.Count.EqualTo(2).And.All.Property(nameof(ByokServiceException.Operation)).EqualTo("sts:AssumeRole"));
        Assert.That(
            errors.Select(error => Math.Round(error.RetryAfter!.Value.TotalSeconds)).Order(), Is.EqualTo((double[])[1, 2]));
        for (var sessions = 5; sessions <= 6; sessions++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await ByokWorld.UntilAsync(() => tenants.Count(tenant => tenant.HasSession) == sessions, $"{sessions} sessions did not begin");
        }

        tenants.ForEach(tenant => tenant.Dispose());
    }

    [TestCase(0, ExpectedResult = true)]
    [TestCase(1, ExpectedResult = false)]
    public bool Denials_of_all_roles_count_together_within_the_interval(int ticksMore)
    {
        var roles = Enumerable.Range(0, 5).Select(_ => CreateRole()).ToList();
        roles.ForEach(_starts.Succeeded);
        Assert.That(roles.Take(4).Select(_starts.Denied), Has.All.False, "not all were denied");
        _time.Advance(Interval + TimeSpan.FromTicks(ticksMore));
        var isHosts = _starts.Denied(roles[4]);
        roles.ForEach(role => role.Dispose());
        return isHosts;
    }

    [Test]
    public async Task A_role_that_was_disposed_during_its_request_does_not_count()
    {
        SessionCredentials? gone = null;
        gone = CreateRole((sends, _) =>
        {
            sends();
            gone!.Dispose();
            return Task.FromResult(new AwsSession(
                new SessionAWSCredentials("id", "key", "token"), _time.GetUtcNow() + TimeSpan.FromHours(1), identity: null));
        });
        await await gone.TurnAsync(instead: null, isConfirmation: true, ByokAuditCause.Renewal, CancellationToken.None);
        var roles = Enumerable.Range(0, 5).Select(_ => CreateRole()).ToList();
        roles.ForEach(_starts.Succeeded);

        var isHosts = roles.ConvertAll(_starts.Denied)[^1];

        roles.ForEach(role => role.Dispose());
        Assert.That(isHosts, Is.True, "every role that is left was denied");
    }

    /// <summary>Tenants whose first calls are under way. One is served at once.</summary>
    private static async Task<List<Tenant>> StartAsync(int count, Func<Tenant> create)
    {
        var first = create();
        await ByokWorld.UntilAsync(() => first.IsServed, "the first tenant must not wait");
        var tenants = Enumerable.Range(1, count - 1).Select(_ => create()).Prepend(first).ToList();
        await ByokWorld.UntilAsync(() => tenants.TrueForAll(tenant => tenant.IsWaiting), "the calls have not begun");
        return tenants;
    }

    private static RingOwner Owner(int number) => RingOwner.OfTenant($"tenant-{number}");

    private SessionCredentials CreateRole(Func<Action, CancellationToken, Task<AwsSession>>? begin = null) => new(
        new Source(begin ?? (static (_, _) => throw new InvalidOperationException("Nothing is sent here."))), "sts:AssumeRole",
        new AwsPipeline(new ByokResilienceOptions(), _time), _starts, _clock, NullLogger.Instance);

    private (List<SessionStarts.Turn?> Turns, List<Task> Tasks) Begin(int count, bool wasDenied)
    {
        var turns = Enumerable.Range(0, count).Select(_ => _starts.Enter(Owner(_owners++), wasDenied)).ToList();
        return (turns, turns.ConvertAll(turn => turn is null
            ? Task.CompletedTask
            : SessionStarts.WaitAsync(turn, CancellationToken.None).AsTask()));
    }

    /// <summary>An AWS STS that allows so many requests in each second.</summary>
    private sealed class FakeSts(FakeTimeProvider time, int allowed)
    {
        private readonly Lock _gate = new();
        private readonly long _began = time.GetTimestamp();
        private long _second = -1;
        private int _inSecond;

        public int Requests { get; private set; }

        public Task<AwsSession> BeginAsync(Action sends, CancellationToken cancellationToken)
        {
            sends();
            lock (_gate)
            {
                var second = (long)time.GetElapsedTime(_began).TotalSeconds;
                _inSecond = second == _second ? _inSecond + 1 : 1;
                _second = second;
                Requests++;
                if (_inSecond > allowed)
                {
                    throw new ByokServiceException("Rate exceeded", isTransient: true) { FailureKind = ServiceFailureKind.Throttled };
                }
            }

            return Task.FromResult(new AwsSession(
                new SessionAWSCredentials("id", "key", "token"), time.GetUtcNow() + TimeSpan.FromHours(1), identity: null));
        }
    }

    private sealed class Source(Func<Action, CancellationToken, Task<AwsSession>> begin) : ISessionSource
    {
        public string Region => "us-east-1";

        public Task<AwsSession> BeginAsync(Action sends, CancellationToken cancellationToken) => begin(sends, cancellationToken);
    }

    /// <summary>A tenant with a role, whose first call needs a session.</summary>
    private sealed class Tenant : IDisposable
    {
        private readonly SessionCredentials _role;
        private readonly KmsKey _key;
        private Task<string?> _call;
        private Task? _failed;
        private DateTimeOffset _again;
        private volatile bool _wasSent;

        public Tenant(RingOwner owner, FakeSts sts, AwsPipeline pipeline, SessionStarts starts, AgeClock clock)
        {
            _role = new SessionCredentials(
                new Source((sends, token) =>
                {
                    _wasSent = true;
                    return sts.BeginAsync(sends, token);
                }),
                "sts:AssumeRole",
                pipeline,
                starts,
                clock,
                NullLogger.Instance)
            {
                Owner = owner,
            };
            var region = new KmsRegion(
                KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
                _role,
                new KmsClients(static _ => throw new InvalidOperationException("Nothing is sent to AWS KMS here.")),
                pipeline,
                clock,
                NullLogger.Instance);
            _key = new KmsKey([region], failoverOnDenial: false, pipeline, clock, NullLogger.Instance);
            _call = Task.Run(CallAsync);
        }

        public bool IsServed => _call.IsCompletedSuccessfully;

        public bool HasEnded => _call.IsCompleted;

        /// <summary>Whether its request has met AWS STS, or waits for its turn.</summary>
        public bool IsWaiting => _wasSent || _role.NoTurn().RetryAfter is not null;

        public bool HasSession => _role.Current is not null;

        public List<ByokServiceException> Errors { get; } = [];

        public void CallAgainWhenDue(DateTimeOffset now)
        {
            if (!_call.IsFaulted)
            {
                return;
            }

            if (_failed != _call)
            {
                _failed = _call;
                var error = (ByokServiceException)_call.Exception.InnerException!;
                Errors.Add(error);
                _again = now + (error.RetryAfter ?? TimeSpan.FromSeconds(1));
            }
            else if (now >= _again)
            {
                _call = Task.Run(CallAsync);
            }
        }

        public void Dispose() => _key.Dispose();

        private Task<string?> CallAsync() =>
            _key.CallInAsync(_key.Regions[0], new KmsCall(AwsAction.AssumeRole), _key.Regions[0].IdentifyAsync, CancellationToken.None);
    }
}
