using System.Diagnostics;
using System.Security.Cryptography;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>The sessions of a role: one at a time, begun when a caller finds none. Safe for concurrent use.</summary>
/// <remarks>
/// The AWS SDK's refreshing credentials block, queue failures up, ignore cancellation and time limits, and can mix the key of one session with the token of another.
/// Here all callers share one request, each under its own token. A request that fails leaves the present session in use until it expires. Nothing is renewed in the
/// background: the owner of the key decides when, because it must know the answer.
/// </remarks>
internal sealed class SessionCredentials : AWSCredentials, IDisposable
{
    private static readonly TimeSpan LongestWindow = TimeSpan.FromMinutes(5);

    private readonly Func<Action, CancellationToken, Task<AwsSession>> _begin;
    private readonly string _region;
    private readonly AwsPipeline _pipeline;
    private readonly SessionStarts _starts;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _disposed = new();
    private readonly SingleFlight<AwsSession> _beginning;
    private readonly CircuitBreaker _breaker;
    private volatile AwsSession? _session;
    private volatile bool _wasDenied;

    /// <param name="begin">Sends the request to AWS STS. Calls its first argument right before.</param>
    /// <param name="operation">The STS action, as IAM names it, for logs and errors.</param>
    /// <param name="region">The Region that is asked.</param>
    /// <param name="pipeline">The time limit of a request.</param>
    /// <param name="starts">Limits the requests of all roles.</param>
    /// <param name="clock">The clock that sessions expire by.</param>
    /// <param name="logger">The log.</param>
    public SessionCredentials(
        Func<Action, CancellationToken, Task<AwsSession>> begin,
        string operation,
        string region,
        AwsPipeline pipeline,
        SessionStarts starts,
        AgeClock clock,
        ILogger logger)
    {
        _begin = begin;
        Operation = operation;
        _region = region;
        _pipeline = pipeline;
        _starts = starts;
        _clock = clock;
        _logger = logger;
        _beginning = new SingleFlight<AwsSession>(_disposed.Token);
        _breaker = pipeline.CreateBreaker(changed: null);
    }

    /// <summary>The action that begins a session, as IAM names it.</summary>
    public string Operation { get; }

    /// <summary>Makes ours what AWS STS throws; null where no key is known.</summary>
    public Func<Exception, Exception>? Explain { get; set; }

    /// <summary>The present session; null if there is none or it has expired.</summary>
    public AwsSession? Current => _session is { } session && _clock.Now < session.Expires ? session : null;

    /// <summary>When the present session should be replaced, so that it does not expire in use, in ticks of <see cref="AgeClock"/>.</summary>
    public long RenewFrom { get; private set; } = long.MinValue;

    /// <summary>The present session. Waits for AWS STS only if there is none.</summary>
    /// <param name="isConfirmation">Whether the request passes an open circuit breaker.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<AwsSession> GetAsync(bool isConfirmation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Current is { } session ? new ValueTask<AwsSession>(session) : new ValueTask<AwsSession>(Begin(isConfirmation).WaitAsync(cancellationToken));
    }

    /// <summary>A session in place of another, from the one request that is under way.</summary>
    /// <param name="instead">The session to replace; null if there is none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<AwsSession> RenewAsync(AwsSession? instead, CancellationToken cancellationToken) =>
        instead is not null && Current is { } session && session != instead
            ? Task.FromResult(session) // replaced meanwhile
            : Begin(isConfirmation: true).WaitAsync(cancellationToken);

    /// <summary>Discards the present session: the next caller begins a new one.</summary>
    public void Discard() => _session = null;

    /// <inheritdoc/>
    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        var session = await GetAsync(isConfirmation: false, CancellationToken.None).ConfigureAwait(false);
        return await session.Credentials.GetCredentialsAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override ImmutableCredentials GetCredentials() =>
        throw new NotSupportedException("These credentials are asynchronous. Use GetCredentialsAsync.");

    public void Dispose()
    {
        _disposed.Cancel();
        _starts.Forget(this);
    }

    private Task<AwsSession> Begin(bool isConfirmation)
    {
        var caller = Activities.Caller;
        return _beginning.Join(token => BeginAsync(isConfirmation, caller, token));
    }

    private async Task<AwsSession> BeginAsync(bool isConfirmation, ActivityContext caller, CancellationToken disposed)
    {
        AwsAttempt? request = null;
        var begun = Moment.Never;
        try
        {
            var granted = await _pipeline.AttemptAsync(
                static (s, token) => s.This.SendAsync(s.sends, s.isConfirmation, token), (This: this, sends: (Action)Sends, isConfirmation), disposed).ConfigureAwait(false);
            request?.Succeed(requestId: null);
            return Accept(granted, begun);
        }
        catch (Exception e)
        {
            request?.Fail(disposed.IsCancellationRequested ? new OperationCanceledException() : e);
            _logger.SessionRenewalFailed(Operation, Failure.Of(e).Type);
            if (e is ByokKeyUnavailableException denial)
            {
                _wasDenied = true;
                if (denial.Reason == ByokKeyUnavailableReason.RoleNotAssumable && _starts.Denied(this))
                {
                    throw HostLostPermission(denial);
                }
            }

            throw;
        }

        void Sends()
        {
            request = AwsAttempt.BeginShared(Operation, _region, _clock.Time, caller);
            begun = _clock.Mark();
        }
    }

    private async ValueTask<AwsSession> SendAsync(Action sends, bool isConfirmation, CancellationToken cancellationToken)
    {
        await _starts.WaitAsync(_wasDenied, cancellationToken).ConfigureAwait(false);
        try
        {
            return await _breaker.RunAsync(
                static (s, token) => s.This.RequestAsync(s.sends, token), (This: this, sends), isConfirmation, cancellationToken).ConfigureAwait(false);
        }
        catch (BrokenCircuitException)
        {
            throw Outage($"was not tried, because AWS STS has not answered. The last error was: {_breaker.Open?.Error?.Message}", ServiceTrouble.NotTried, _breaker.Open?.Error);
        }
    }

    /// <summary>Makes ours what goes wrong, inside the breaker, so that the breaker counts it.</summary>
    private async ValueTask<AwsSession> RequestAsync(Action sends, CancellationToken cancellationToken)
    {
        try
        {
            return await _begin(sends, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw _disposed.IsCancellationRequested
                ? e
                : Outage($"did not finish within {_pipeline.AttemptTimeout.TotalSeconds:0.###} s.", ServiceTrouble.Outage, new TimeoutRejectedException(e.Message, _pipeline.AttemptTimeout, e));
        }
        catch (Exception e) when (e is not ByokException && Explain?.Invoke(e) is ByokException ours)
        {
            throw ours;
        }
    }

    private AwsSession Accept(AwsSession granted, Moment begun)
    {
        var life = granted.Expiration - _clock.Time.GetUtcNow();
        var now = _clock.Now;
        var session = granted.At(begun, now + life.Ticks);
        RenewFrom = now + (life - RenewalWindow(life)).Ticks;
        _session = session;
        _wasDenied = false;
        _starts.Succeeded(this);
        _logger.SessionBegan(Operation, session.Expiration);
        return session;
    }

    private ByokServiceException Outage(string what, ServiceTrouble trouble, Exception? cause) =>
        new($"{Operation} {what} Try again later. The key itself is not the cause.", isTransient: true, cause)
        {
            Operation = Operation,
            Region = _region,
            Trouble = trouble,
        };

    private ByokServiceException HostLostPermission(ByokKeyUnavailableException denial) => new(
        $"AWS STS denies {Operation} for every role that this host has had a session of. The host's own AWS identity has probably lost the permission. "
        + "This is for the host's operator to correct, not for the customers.",
        isTransient: false,
        denial)
    {
        Operation = Operation,
        Region = _region,
        RequestId = denial.RequestId,
    };

    /// <summary>How long before its end a session is renewed: a quarter of its life, at most 5 minutes, less up to a fifth so that customers do not renew in step.</summary>
    private static TimeSpan RenewalWindow(TimeSpan life)
    {
        var window = life / 4 < LongestWindow ? life / 4 : LongestWindow;
        return window * (RandomNumberGenerator.GetInt32(800, 1000) / 1000.0);
    }
}
