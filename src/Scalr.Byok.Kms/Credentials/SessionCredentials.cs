using System.Diagnostics;
using System.Security.Cryptography;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>The sessions of a role: one at a time, started when a caller finds none. Safe for concurrent use.</summary>
/// <remarks>
/// The AWS SDK's refreshing credentials block, queue failures, ignore cancellation and time limits, and can mix the key of one session with
/// the token of another. Here concurrent callers share one request, each under its own token. After a failed request the current session
/// stays in use until it expires. Nothing is renewed in the background: <see cref="DataKeys.KeyAccess"/> decides when, because it needs the
/// answer.
/// </remarks>
internal sealed class SessionCredentials : AWSCredentials, IDisposable
{
    private static readonly TimeSpan LongestWindow = TimeSpan.FromMinutes(5);

    /// <summary>How long a request waits for its turn.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private readonly ISessionSource _source;
    private readonly AwsPipeline _pipeline;
    private readonly SessionStarts _starts;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;

    // Created on first use: most roles of a host with thousands of customers are idle.
    private Requests? _requests;

    // Read without a lock by each call. A session is immutable, so one read is consistent.
    private volatile AwsSession? _session;
    private volatile bool _wasDenied;
    private volatile bool _isAskingHost;

    // Of the last request that had to wait.
    private volatile SessionStarts.Turn? _turn;

    /// <param name="source">Sends the requests to AWS STS.</param>
    /// <param name="operation">The STS action, as IAM names it, for logs and errors.</param>
    /// <param name="pipeline">The time limit of a request.</param>
    /// <param name="starts">Limits the requests of all roles.</param>
    /// <param name="clock">The clock for the expiry of sessions.</param>
    /// <param name="logger">The log.</param>
    public SessionCredentials(
        ISessionSource source,
        string operation,
        AwsPipeline pipeline,
        SessionStarts starts,
        AgeClock clock,
        ILogger logger)
    {
        _source = source;
        Operation = operation;
        _pipeline = pipeline;
        _starts = starts;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>The action that starts a session, as IAM names it.</summary>
    public string Operation { get; }

    /// <summary>Translates exceptions of AWS STS; null if no key is known.</summary>
    public ISessionErrors? Errors { get; set; }

    /// <summary>The address of AWS STS; null if it is not known.</summary>
    public string? Address { get; init; }

    /// <summary>Whose turns the requests take.</summary>
    public RingOwner Owner { get; init; }

    /// <summary>Records the requests; null if the host has no audit sink.</summary>
    public RingAudit? Audit { get; init; }

    /// <summary>
    /// Whether the last request was not sent to AWS STS yet, or not at all, because the host's token provider has not answered.
    /// </summary>
    public bool IsAskingHost => _isAskingHost;

    /// <summary>The current session; null if there is none or it has expired.</summary>
    public AwsSession? Current => _session is { } session && _clock.Now < session.Expires ? session : null;

    /// <summary>
    /// When the current session should be replaced, so that it does not expire in use, in ticks of <see cref="AgeClock"/>.
    /// </summary>
    public long RenewFrom { get; private set; } = long.MinValue;

    /// <summary>
    /// Waits until the request for a session has its turn (<see cref="SessionStarts"/>). Concurrent calls share one request.
    /// </summary>
    /// <param name="instead">The session to replace; null if the current one will do.</param>
    /// <param name="isConfirmation">Whether the request passes an open circuit breaker.</param>
    /// <param name="cause">Why a session is needed, for audit records.</param>
    /// <param name="cancellationToken">Ends the wait. The request keeps its turn: the next caller finds its session.</param>
    /// <returns>The request, or the current session. Each caller waits for it under its own token.</returns>
    public ValueTask<Task<AwsSession>> TurnAsync(
        AwsSession? instead, bool isConfirmation, ByokAuditCause cause, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Another caller may have replaced the session already.
        return Current is { } session && session != instead
            ? new ValueTask<Task<AwsSession>>(Task.FromResult(session))
            : new ValueTask<Task<AwsSession>>(Begin(instead, isConfirmation, cause).WaitAsync(cancellationToken));
    }

    /// <summary>The error of a call that has waited for its turn as long as it may.</summary>
    public ByokServiceException NoTurn() => Outage(
        "was not sent in time, because too many sessions start at the same time. The limit is "
        + $"{nameof(ByokOptions.Resilience)}:{nameof(ByokResilienceOptions.MaxSessionStartsPerSecond)}, or less while AWS STS throttles.",
        ServiceFailureKind.Outage,
        cause: null,
        retryAfter: _turn is { } turn ? _starts.TimeUntil(turn) : null);

    /// <summary>Discards the current session. The next caller starts a new one.</summary>
    // A request under way may still store its session. AWS STS has granted that one, and its age is checked like any other.
    public void Discard() => _session = null;

    /// <inheritdoc/>
    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        var request = await TurnAsync(
            instead: null, isConfirmation: false, ByokAuditCause.Call, CancellationToken.None).ConfigureAwait(false);
        var session = await request.ConfigureAwait(false);
        return await session.Credentials.GetCredentialsAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override ImmutableCredentials GetCredentials() =>
        // A thread that blocks until AWS STS answers could starve the thread pool of the host.
        throw new NotSupportedException("These credentials are asynchronous. Use GetCredentialsAsync.");

    public void Dispose()
    {
        // First, so that a request that ends later finds the mark and removes its role itself (Accept).
        All.Disposed.Cancel();
        _starts.Forget(this);
    }

    private Requests All => Volatile.Read(ref _requests)
        ?? LazyInitializer.EnsureInitialized(ref _requests, () => new Requests(Operation, _pipeline));

    private Task<Task<AwsSession>> Begin(AwsSession? instead, bool isConfirmation, ByokAuditCause cause)
    {
        // Here, on the caller's thread: the request could end before shared work has begun, and that would send another one.
        if (All.Request is { IsCompleted: false } current)
        {
            return Task.FromResult(current);
        }

        // Read here, because the shared work has no context of its caller.
        var caller = Activities.Caller;
        var origin = Audit is null ? null : RingAudit.Origin(cause);
        return All.Beginning.Join(async disposed =>
        {
            // Checked again: a request may have ended after this caller found no session, or found the one to replace.
            if (Current is { } session && session != instead)
            {
                return Task.FromResult(session);
            }

            // Only this work, which runs once at a time, begins requests. The last run may have begun one after this caller had looked.
            if (All.Request is { IsCompleted: false } underWay)
            {
                return underWay;
            }

            await WaitForTurnAsync(disposed).ConfigureAwait(false);
            return All.Request = All.Work.Start(() => BeginAsync(isConfirmation, caller, origin, disposed));
        });
    }

    /// <summary>Outside the time limit of the request: the wait says nothing about AWS STS.</summary>
    private async ValueTask WaitForTurnAsync(CancellationToken disposed)
    {
        _turn = _starts.Enter(Owner, _wasDenied);
        if (_turn is { } turn)
        {
            using var limit = new CancellationTokenSource(LongestWait, _clock.Time);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(disposed, limit.Token);
            try
            {
                await SessionStarts.WaitAsync(turn, end.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!disposed.IsCancellationRequested)
            {
                throw NoTurn();
            }
        }
    }

    private async Task<AwsSession> BeginAsync(
        bool isConfirmation, ActivityContext caller, AuditOrigin? origin, CancellationToken disposed)
    {
        if (origin is not null)
        {
            RingAudit.Enter(origin);
        }

        AwsAttempt? request = null;
        var begun = Moment.Never;
        var start = _clock.Time.GetTimestamp();
        _isAskingHost = false;
        try
        {
            Task<AwsSession>? asked = null;
            await _pipeline.AttemptAsync(
                token => SendAsync(end => asked = RequestAsync(Sends, start, end), isConfirmation, token), disposed).ConfigureAwait(false);
            request?.Succeed(requestId: null);
            return Accept(await asked!.ConfigureAwait(false), begun);
        }
        catch (Exception e)
        {
            request?.Fail(disposed.IsCancellationRequested ? new OperationCanceledException() : e);
            _logger.SessionRenewalFailed(Operation, Failure.Of(e).Type);
            if (e is ByokServiceException { FailureKind: ServiceFailureKind.Throttled })
            {
                _starts.Throttled();
            }
            else if (e is ByokKeyUnavailableException denial)
            {
                // From here the role takes its turns from the share of denied roles, so that it cannot delay the other customers.
                _wasDenied = true;

                // A role that cannot be assumed may also mean that the host has lost its own permission. A rejected token cannot.
                if (denial.Reason == ByokKeyUnavailableReason.RoleNotAssumable && _starts.Denied(this))
                {
                    throw HostLostPermission(denial);
                }
            }

            throw;
        }

        void Sends()
        {
            _isAskingHost = false;
            request = AwsAttempt.BeginShared(Operation, _source.Region, _clock.Time, caller);

            // Right before the request: the age of fact 2 counts from here.
            begun = _clock.Mark();
        }
    }

    private async Task SendAsync(Func<CancellationToken, Task> request, bool isConfirmation, CancellationToken cancellationToken)
    {
        try
        {
            await All.Breaker.RunAsync(request, isConfirmation, cancellationToken).ConfigureAwait(false);
        }
        catch (BrokenCircuitException)
        {
            throw Outage(
                $"was not tried, because AWS STS has not answered. The last error was: {All.Breaker.Open?.Error?.Message}",
                ServiceFailureKind.NotTried,
                All.Breaker.Open?.Error);
        }
    }

    /// <summary>Translates exceptions inside the breaker, so that the breaker counts them.</summary>
    private async Task<AwsSession> RequestAsync(Action sends, long start, CancellationToken cancellationToken)
    {
        try
        {
            _isAskingHost = true; // until the strategy calls sends
            return await _source.BeginAsync(sends, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            var (limit, late) = (_pipeline.AttemptTimeout, _pipeline.Lateness(start));
            var cause = new TimeoutRejectedException(e.Message, limit, e);

            // The token of this request ends by the time limit or by the disposal. Only the time limit is an outage.
            throw All.Disposed.IsCancellationRequested ? e
                : _isAskingHost ? OidcTokens.Failed(AwsPipeline.DidNotFinish(limit, late), isTransient: true)
                : Outage(
                    $"{AwsPipeline.DidNotFinish(limit, late, Address)}.",
                    ServiceFailureKind.Outage,
                    cause,
                    isHostLate: late > TimeSpan.Zero);
        }
        catch (Exception e) when (e is not ByokException && Errors?.Explain(e) is ByokException ours)
        {
            // Thrown in here, so that the breaker counts what it means, not how AWS said it.
            throw ours;
        }
    }

    private AwsSession Accept(AwsSession granted, Moment begun)
    {
        // The remaining life is measured once by the wall clock. From then on it is counted by the age clock, which a changed clock cannot
        // extend.
        var life = granted.Expiration - _clock.Time.GetUtcNow();
        var now = _clock.Now;
        var session = granted.At(begun, now + life.Ticks);

        // Written before the session, so that a reader of the new session does not find the renewal time of the old one.
        RenewFrom = now + (life - RenewalWindow(life)).Ticks;

        // Published as one object, so that no request mixes the key and the token of two sessions.
        _session = session;
        _wasDenied = false;
        _starts.Succeeded(this);

        // Dispose cancels first and removes the role after that. If both happened before the line above, the role is removed here.
        // Otherwise it would stay, with its session, and would count as a role that is not denied.
        if (All.Disposed.IsCancellationRequested)
        {
            _starts.Forget(this);
        }

        _logger.SessionBegan(Operation, session.Expiration);
        return session;
    }

    private ByokServiceException Outage(
        string what, ServiceFailureKind trouble, Exception? cause, bool isHostLate = false, TimeSpan? retryAfter = null) =>
        new($"{Operation} {what} Try again later. The key itself is not the cause.", isTransient: true, cause)
        {
            Operation = Operation,
            Region = _source.Region,
            FailureKind = trouble,
            IsHostLate = isHostLate,
            RetryAfter = retryAfter,
        };

    private ByokServiceException HostLostPermission(ByokKeyUnavailableException denial) => new(
        $"AWS STS denies {Operation} for every role that this host has had a session of. The host's own AWS identity has probably lost "
        + "the permission. "
        + "This is for the host's operator to correct, not for the customers.",
        isTransient: false,
        denial)
    {
        Operation = Operation,
        Region = _source.Region,
        RequestId = denial.RequestId,
    };

    /// <summary>
    /// How long before its expiry a session is renewed: a quarter of its life, at most 5 minutes, reduced randomly by up to a fifth so that
    /// customers do not renew at the same time.
    /// </summary>
    private static TimeSpan RenewalWindow(TimeSpan life)
    {
        var window = life / 4 < LongestWindow ? life / 4 : LongestWindow;
        return window * (RandomNumberGenerator.GetInt32(800, 1000) / 1000.0);
    }

    /// <summary>What all requests of the role share.</summary>
    private sealed class Requests
    {
        private Task<AwsSession>? _request;

        public Requests(string operation, AwsPipeline pipeline)
        {
            Work = new SharedWork(Disposed.Token);
            Beginning = new SingleFlight<Task<AwsSession>>(Work);
            Breaker = pipeline.CreateBreaker(operation, owner: null);
        }

        public CancellationTokenSource Disposed { get; } = new();

        public SharedWork Work { get; }

        /// <summary>Waits for a turn and begins a request.</summary>
        public SingleFlight<Task<AwsSession>> Beginning { get; }

        /// <summary>The last request. Written only by the work of <see cref="Beginning"/>, which runs once at a time.</summary>
        public Task<AwsSession>? Request
        {
            get => Volatile.Read(ref _request);
            set => Volatile.Write(ref _request, value);
        }

        // Separate from those of AWS KMS: an outage of AWS STS must not stop requests under a session that is still valid.
        public CircuitBreaker Breaker { get; }
    }
}
