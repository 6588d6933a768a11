using System.Diagnostics;
using System.Security.Cryptography;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>A role's session that renews itself: one renewal at a time, shared by all who wait, ahead of expiry in the background.</summary>
/// <remarks>
/// The AWS SDK's refreshing credentials block, queue failures up, ignore cancellation and time limits, and can mix the key of one session with the token of
/// another. Here a renewal is a single task: callers wait for it under their own token, its failure is theirs together, and the next caller starts anew.
/// A failed renewal leaves the old session in use until it ends.
/// </remarks>
internal sealed class SessionCredentials : AWSCredentials, IDisposable
{
    private static readonly TimeSpan LongestWindow = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Func<Action, CancellationToken, Task<AwsSession>> _begin;
    private readonly string _region;
    private readonly AwsPipeline _pipeline;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _disposed = new();
    private readonly Lock _gate = new();

    private State _state = new(Session: null, RenewFrom: default, Failures: 0);
    private Task<AwsSession>? _renewal;

    /// <param name="begin">Begins a session: the call to AWS STS. Says so when it is about to send it.</param>
    /// <param name="operation">The STS action, as IAM names it, for logs and errors.</param>
    /// <param name="region">The Region that is asked.</param>
    /// <param name="pipeline">Time limits of the call.</param>
    /// <param name="time">The clock that sessions expire by.</param>
    /// <param name="logger">Told of renewals that failed in the background.</param>
    public SessionCredentials(
        Func<Action, CancellationToken, Task<AwsSession>> begin, string operation, string region, AwsPipeline pipeline, TimeProvider time, ILogger logger)
    {
        _begin = begin;
        Operation = operation;
        _region = region;
        _pipeline = pipeline;
        _time = time;
        _logger = logger;
    }

    /// <summary>The action that begins a session, as IAM names it.</summary>
    public string Operation { get; }

    /// <summary>Makes ours what AWS STS throws, to tell of it; null where nobody knows how. What callers get is for their key to explain.</summary>
    public Func<Exception, Exception>? Explain { get; set; }

    /// <summary>A session that has not expired; only a caller who finds none waits for AWS STS.</summary>
    public ValueTask<AwsSession> GetSessionAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (session, renewFrom, _) = Volatile.Read(ref _state);
        var now = _time.GetUtcNow();
        if (session is null || now >= session.Expiration)
        {
            return new ValueTask<AwsSession>(Renew().WaitAsync(cancellationToken));
        }

        if (now >= renewFrom)
        {
            _ = Renew();
        }

        return new ValueTask<AwsSession>(session);
    }

    /// <summary>A new session, whether or not the old one has time left.</summary>
    public Task<AwsSession> RenewAsync(CancellationToken cancellationToken) => Renew().WaitAsync(cancellationToken);

    /// <summary>Gives up the session there is.</summary>
    public void Discard()
    {
        lock (_gate)
        {
            _state = _state with { Session = null };
        }
    }

    /// <summary>Gives up a session that AWS calls expired although its time is not over; does nothing if it was renewed meanwhile.</summary>
    public void Discard(AwsSession session)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_state.Session, session))
            {
                _state = _state with { Session = null };
            }
        }
    }

    /// <inheritdoc/>
    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        var session = await GetSessionAsync(CancellationToken.None).ConfigureAwait(false);
        return await session.Credentials.GetCredentialsAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override ImmutableCredentials GetCredentials() =>
        throw new NotSupportedException("These credentials are asynchronous; use GetCredentialsAsync.");

    public void Dispose() => _disposed.Cancel();

    private Task<AwsSession> Renew()
    {
        lock (_gate)
        {
            if (_renewal is null)
            {
                // In the background nobody awaits a failure, and it is not lost: the log has it and the next caller tries again.
                var caller = Activities.Caller;
                _renewal = SharedWork.Start(() => BeginAsync(caller));
            }

            return _renewal;
        }
    }

    private async Task<AwsSession> BeginAsync(ActivityContext caller)
    {
        AwsAttempt? request = null;
        try
        {
            var session = await _pipeline.AttemptAsync(
                static async (s, token) => await s.Begin(s.Sends, token).ConfigureAwait(false),
                (Begin: _begin, Sends: new Action(() => request = AwsAttempt.BeginShared(Operation, _region, _time, caller))),
                _disposed.Token).ConfigureAwait(false);
            request?.Succeed(requestId: null);
            var now = _time.GetUtcNow();
            lock (_gate)
            {
                _state = new State(session, session.Expiration - RenewalWindow(session.Expiration - now), Failures: 0);
                _renewal = null;
            }

            _logger.SessionBegan(Operation, session.Expiration);
            return session;
        }
        catch (Exception e)
        {
            request?.Fail(_disposed.IsCancellationRequested ? new OperationCanceledException() : Explain?.Invoke(e) ?? e);
            var now = _time.GetUtcNow();
            lock (_gate)
            {
                // Back off while an old session still serves; a caller without one always tries.
                var failures = Math.Min(_state.Failures + 1, 6);
                _state = _state with { RenewFrom = now + Jitter(LongestPause / (1 << (6 - failures))), Failures = failures };
                _renewal = null;
            }

            _logger.SessionRenewalFailed(Operation, e.GetType().Name);
            throw;
        }
    }

    /// <summary>How long before its end a session is renewed: a quarter of its life, 5 minutes at the most, less up to a fifth so that tenants do not renew in step.</summary>
    private static TimeSpan RenewalWindow(TimeSpan life) => Jitter(life / 4 < LongestWindow ? life / 4 : LongestWindow);

    private static TimeSpan Jitter(TimeSpan span) => span * (RandomNumberGenerator.GetInt32(800, 1000) / 1000.0);

    /// <summary>A snapshot that readers take without the lock.</summary>
    private sealed record State(AwsSession? Session, DateTimeOffset RenewFrom, int Failures);
}
