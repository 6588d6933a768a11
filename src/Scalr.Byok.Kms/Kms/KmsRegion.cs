using System.Globalization;
using System.Security.Cryptography;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>
/// One KMS key in one Region, with the credentials to use it. The only class that sends requests to AWS KMS. Safe for concurrent use.
/// </summary>
/// <remarks>
/// An attempt passes, outermost first: the limit of concurrent calls, the attempt's time limit, the session, the circuit breaker. So the
/// breaker counts only failures of AWS KMS itself, and failures of kms:DescribeKey or AWS STS do not block encryption and decryption.
/// </remarks>
internal sealed class KmsRegion : IBreakerOwner, ISessionErrors, IDisposable
{
    private readonly AWSCredentials _credentials;

    // What signs the requests of other credentials than a role's. Those of a host's strategy may have to be resolved first, which can fail.
    // The other kinds are already resolved.
    private readonly AWSCredentials _signing;

    private readonly KmsClients _clients;
    private readonly AwsPipeline _pipeline;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;
    private CircuitBreaker? _data;
    private CircuitBreaker? _describe;

    // Has no wait handle, so there is nothing to dispose.
    private SemaphoreSlim? _turns;

    private volatile bool _stopped;
    private long _requests;

    /// <param name="arn">The key, in this Region.</param>
    /// <param name="credentials">The credentials. Takes ownership.</param>
    /// <param name="clients">The clients of AWS KMS.</param>
    /// <param name="pipeline">Time limits and retries.</param>
    /// <param name="clock">Marks when requests are sent.</param>
    /// <param name="logger">The log.</param>
    public KmsRegion(
        KmsKeyArn arn,
        AWSCredentials credentials,
        KmsClients clients,
        AwsPipeline pipeline,
        AgeClock clock,
        ILogger logger)
    {
        Arn = arn;
        _credentials = credentials;
        _signing = credentials is BasicAWSCredentials or SessionAWSCredentials or AnonymousAWSCredentials or HostCredentials
            or SessionCredentials
            ? credentials
            : new HostCredentials(credentials);
        _clients = clients;
        _pipeline = pipeline;
        _clock = clock;
        _logger = logger;
        Sessions = credentials as SessionCredentials;
        Sessions?.Errors = this;
    }

    public KmsKeyArn Arn { get; }

    /// <summary>The number of requests that were sent.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>The sessions of the role; null without a role.</summary>
    public SessionCredentials? Sessions { get; }

    /// <summary>Whether the credentials are the host's own identity, which only the platform key has.</summary>
    public bool IsOfHost => _credentials is HostCredentials;

    /// <summary>Records the requests; null if the host has no audit sink.</summary>
    public RingAudit? Audit { get; init; }

    /// <summary>
    /// The circuit breaker of an action. kms:Encrypt and kms:Decrypt share one, because a Region in an outage answers neither.
    /// kms:DescribeKey has its own.
    /// </summary>
    public CircuitBreaker BreakerOf(string operation)
    {
        ref var breaker = ref operation == AwsAction.DescribeKey ? ref _describe : ref _data;

        if (Volatile.Read(ref breaker) is { } made)
        {
            return made;
        }

        // All threads use the breaker that was stored first, so no failure is counted elsewhere.
        made = _pipeline.CreateBreaker(operation, this);
        return Interlocked.CompareExchange(ref breaker, made, null) ?? made;
    }

    /// <summary>One attempt of kms:Encrypt.</summary>
    /// <returns>The ciphertext blob.</returns>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<byte[]> EncryptAsync(
        KmsCall call, IPlaintext plaintext, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        // Pinned, so that the garbage collector makes no copies, and erased below.
        var bytes = GC.AllocateUninitializedArray<byte>(plaintext.Length, pinned: true);
        try
        {
            plaintext.CopyTo(bytes);
            var request = new Request<EncryptResponse>(
                call,
                encryptionContext,
                (signer, token) => signer.Client.EncryptAsync(
                    signer.Sign(new EncryptRequest
                    {
                        KeyId = Arn.ToString(),
                        EncryptionContext = new Dictionary<string, string>(encryptionContext),
                        EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
                        Plaintext = new MemoryStream(bytes, writable: false),
                    }),
                    token),
                answer => AnswerChecks.EnsureUsable(Arn, answer.KeyId, answer.CiphertextBlob, AwsAction.Encrypt),
                Erase: null,
                cancellationToken);
            Task<EncryptResponse>? sent = null;
            await AttemptAsync(
                call, (credentials, token) => sent = SendAsync(request, credentials, token), cancellationToken).ConfigureAwait(false);
            return (await sent!.ConfigureAwait(false)).CiphertextBlob.ToArray();
        }
        finally
        {
            // An attempt that ignores its token may still read these bytes. It then sends zeros, and its answer is never used.
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>One attempt of kms:Decrypt. It always names the key, so that AWS KMS does not choose the key by the ciphertext.</summary>
    /// <param name="call">The call.</param>
    /// <param name="ciphertextBlob">The ciphertext blob.</param>
    /// <param name="encryptionContext">The encryption context.</param>
    /// <param name="take">Reads the plaintext.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ByokDecryptionException">AWS KMS rejects the blob under this key and encryption context.</exception>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<T> DecryptAsync<T>(
        KmsCall call,
        ReadOnlyMemory<byte> ciphertextBlob,
        IReadOnlyDictionary<string, string> encryptionContext,
        TakePlaintext<T> take,
        CancellationToken cancellationToken)
    {
        var request = new Request<DecryptResponse>(
            call,
            encryptionContext,
            (signer, token) => signer.Client.DecryptAsync(
                signer.Sign(new DecryptRequest
                {
                    // Without it, AWS KMS would use the key that the ciphertext names, which the sender of a message chose.
                    KeyId = Arn.ToString(),
                    EncryptionContext = new Dictionary<string, string>(encryptionContext),
                    EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
                    // Copied: the AWS SDK may read it after the caller has stopped waiting and reused its buffer.
                    CiphertextBlob = new MemoryStream(ciphertextBlob.ToArray()),
                }),
                token),
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyId, answer.Plaintext, AwsAction.Decrypt),
            static answer => new ErasedStream(answer.Plaintext).Dispose(),
            cancellationToken);
        Task<DecryptResponse>? sent = null;
        await AttemptAsync(
            call, (credentials, token) => sent = SendAsync(request, credentials, token), cancellationToken).ConfigureAwait(false);

        // The AWS SDK's own array. It is erased even if take throws; take makes its own copy.
        using var plaintext = new ErasedStream((await sent!.ConfigureAwait(false)).Plaintext);
        return take(plaintext.Span);
    }

    /// <summary>One attempt of kms:DescribeKey.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<KeyMetadata> DescribeAsync(KmsCall call, CancellationToken cancellationToken)
    {
        var request = new Request<DescribeKeyResponse>(
            call,
            EncryptionContext: null,
            (signer, token) => signer.Client.DescribeKeyAsync(
                signer.Sign(new DescribeKeyRequest { KeyId = Arn.ToString() }), token),
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyMetadata),
            Erase: null,
            cancellationToken);
        Task<DescribeKeyResponse>? sent = null;
        await AttemptAsync(
            call, (credentials, token) => sent = SendAsync(request, credentials, token), cancellationToken).ConfigureAwait(false);
        return (await sent!.ConfigureAwait(false)).KeyMetadata;
    }

    /// <summary>One attempt to start a session in place of another.</summary>
    /// <param name="call">The call.</param>
    /// <param name="instead">The session to replace; null for the current one.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The new session; null without a role.</returns>
    /// <exception cref="ByokException">AWS STS denied the role or gave no usable answer.</exception>
    public async Task<AwsSession?> RenewSessionAsync(KmsCall call, AwsSession? instead, CancellationToken cancellationToken)
    {
        if (Sessions is null)
        {
            return null;
        }

        // Without a place in the limit of concurrent calls, which counts requests to AWS KMS.
        AwsSession? session = null;
        await LimitedAsync(
            call,
            async token => session = await SessionAsync(call, token).ConfigureAwait(false),
            cancellationToken,
            token => TurnAsync(call, instead, isConfirmation: true, call.Cause, token)).ConfigureAwait(false);
        return session;
    }

    /// <summary>One attempt to obtain the credentials without using them.</summary>
    /// <returns>The ARN of the role's session; null if AWS STS is not called.</returns>
    /// <exception cref="ByokException">AWS STS denied the role or gave no usable answer.</exception>
    public async Task<string?> IdentifyAsync(KmsCall call, CancellationToken cancellationToken)
    {
        string? identity = null;
        await LimitedAsync(
            call,
            async token =>
            {
                if (Sessions is not null)
                {
                    identity = (await SessionAsync(call, token).ConfigureAwait(false)).Identity;
                    return;
                }

                // A strategy of the host may ignore the token.
                await _credentials.GetCredentialsAsync().WaitObservedAsync(token).ConfigureAwait(false);
            },
            cancellationToken,
            Sessions is null ? null : token => TurnAsync(call, instead: null, call.IsConfirmation, call.Cause, token))
                .ConfigureAwait(false);
        return identity;
    }

    /// <summary>One attempt of a request that the caller sends.</summary>
    /// <param name="call">The call.</param>
    /// <param name="send">Sends the request. Calls its first argument right before.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<T> SendAsync<T>(KmsCall call, Func<Action, CancellationToken, Task<T>> send, CancellationToken cancellationToken)
    {
        Task<T>? sent = null;
        await LimitedAsync(
            call,
            token =>
            {
                call.IsAskingHost = true; // until the strategy calls Sends
                return sent = send(Sends, token);
            },
            cancellationToken).ConfigureAwait(false);
        return await sent!.ConfigureAwait(false);

        void Sends()
        {
            call.IsAskingHost = false;
            call.Request = AwsAttempt.Begin(call.Stage, Arn.Region, _clock.Time);
        }
    }

    /// <summary>The exception for a call that was not tried because the breaker is open.</summary>
    public ByokServiceException NotTried(string operation)
    {
        var opening = BreakerOf(operation).Open;

        // Another call is the breaker's trial now, or has just closed the breaker.
        var isTrialUnderWay = opening is null || _clock.Time.GetUtcNow() >= opening.Until;
        var next = opening is null || isTrialUnderWay
            ? ". Another call is trying it now"
            : string.Create(CultureInfo.InvariantCulture, $". The next attempt is due at {opening.Until.UtcDateTime:HH:mm:ss} UTC");
        var since = opening is null
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" since {opening.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        var last = opening?.Error is { } error ? $" The last error was: {error.Message}" : "";
        return new ByokServiceException(
            $"{operation} for the key {Arn} was not tried, because AWS KMS has not answered it in Region "
            + $"{Arn.Region}{since}{next}. The key itself is not the cause.{last}",
            isTransient: true,
            opening?.Error)
        {
            Operation = operation,
            Region = Arn.Region,
            RetryAfter = opening is null ? null : RemainingOf(opening),
            FailureKind = isTrialUnderWay ? ServiceFailureKind.TrialUnderWay : ServiceFailureKind.NotTried,
        };
    }

    public void Dispose()
    {
        // First, so that requests that fail because of the disposals below are reported as such, not as an outage.
        _stopped = true;
        (_credentials as IDisposable)?.Dispose();
    }

    private SemaphoreSlim Turns => Volatile.Read(ref _turns)
        ?? LazyInitializer.EnsureInitialized(ref _turns, () => new SemaphoreSlim(_pipeline.MaxConcurrentCalls));

    private Task AttemptAsync(
        KmsCall call, Func<AWSCredentials, CancellationToken, Task> send, CancellationToken cancellationToken) => LimitedAsync(
        call,
        token => SignAsync(call, send, token),
        cancellationToken,
        Sessions is null ? null : token => TurnAsync(call, instead: null, call.IsConfirmation, call.Cause, token),
        // A confirmation takes no place in the limit: a host whose calls fill the limit must still notice a revocation.
        call.IsConfirmation ? null : Turns);

    /// <summary>Runs an attempt within its time limit, and translates exceptions of AWS, the transport and the limit.</summary>
    /// <param name="call">The call.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="turn">Waits for the turn to begin a session, outside the time limit; null if none is needed.</param>
    /// <param name="places">The limit of concurrent calls; null if the attempt needs no place in it.</param>
    private async Task LimitedAsync(
        KmsCall call,
        Func<CancellationToken, Task> attempt,
        CancellationToken cancellationToken,
        Func<CancellationToken, Task>? turn = null,
        SemaphoreSlim? places = null)
    {
        if (places is not null)
        {
            // Outside the attempt's time limit: the wait for a place says nothing about AWS. The total time limit ends it.
            await places.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            if (turn is not null)
            {
                await turn(cancellationToken).ConfigureAwait(false);
            }

            call.AttemptBegan = _clock.Time.GetTimestamp();
            await _pipeline.AttemptAsync(attempt, cancellationToken).ConfigureAwait(false);
            call.Request?.Succeed(requestId: null);
        }
        catch (Exception e) when (_stopped && (AwsErrors.IsAws(e) || e is ByokException or BrokenCircuitException)
            && !cancellationToken.IsCancellationRequested)
        {
            // Another type of exception, which the library's retries ignore.
            throw Disposed();
        }
        catch (BrokenCircuitException)
        {
            // The circuit breaker of the action is open. Nothing was sent.
            AwsAttempt.BeginUnsent(
                call.Operation,
                Arn.Region,
                _clock.Time)?.End(AttemptOutcome.Breaker, nameof(BrokenCircuitException), requestId: null);
            throw Failed(call, NotTried(call.Operation));
        }
        catch (TimeoutRejectedException e) when (call.IsAskingHost || (call.IsAwaitingSession && Sessions!.IsAskingHost))
        {
            // Nothing was sent yet: the call waited for the host's token provider.
            throw Failed(call, OidcTokens.Failed(AwsPipeline.DidNotFinish(e.Timeout, late: default), isTransient: true));
        }
        catch (TimeoutRejectedException e) when (call.IsAwaitingSession && Sessions is { } sessions)
        {
            // The call waited for a session, and the session for AWS STS.
            throw Failed(call, AwsErrors.Translate(e, Arn, call.Stage, sessions.Operation, address: sessions.Address));
        }
        catch (Exception e) when (AwsErrors.IsAws(e) && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw Failed(call, Translate(e, call.Stage));
        }
        catch (ByokException e)
        {
            throw Failed(call, e);
        }
        catch (OperationCanceledException e)
        {
            // The caller has cancelled. That is neither an answer nor an outage, so it is not translated.
            call.Request?.Fail(e);
            throw;
        }
        finally
        {
            // Also after a request that ignored its time limit. It may still be under way, but no caller waits for it.
            places?.Release();
        }
    }

    /// <summary>
    /// Sends a request with the fixed credentials, or with a session. A session that AWS KMS no longer accepts is replaced once.
    /// </summary>
    private Task SignAsync(KmsCall call, Func<AWSCredentials, CancellationToken, Task> send, CancellationToken token) => Sessions is null
        ? GuardAsync(call, _signing, send, token)
        : SignWithSessionAsync(call, send, token);

    private async Task SignWithSessionAsync(KmsCall call, Func<AWSCredentials, CancellationToken, Task> send, CancellationToken token)
    {
        var session = call.Session = await SessionAsync(call, token).ConfigureAwait(false);
        try
        {
            await GuardAsync(call, session.Credentials, send, token).ConfigureAwait(false);
            return;
        }
        catch (AmazonServiceException e) when (!call.WasSessionReplaced && AwsErrors.SaysSessionEnded(e))
        {
            // AWS KMS no longer accepts the session, although it has not expired here. Replaced once: the next rejection is the answer.
            _logger.SessionRejected(Arn, e.ErrorCode);
            call.WasSessionReplaced = true;
        }

        await TurnAsync(call, session, isConfirmation: true, ByokAuditCause.Renewal, token).ConfigureAwait(false);
        session = call.Session = await SessionAsync(call, token).ConfigureAwait(false);
        await GuardAsync(call, session.Credentials, send, token).ConfigureAwait(false);
    }

    /// <summary>Sends a request, unless the circuit breaker of its action is open.</summary>
    /// <exception cref="BrokenCircuitException">The circuit breaker is open.</exception>
    private Task GuardAsync(
        KmsCall call, AWSCredentials credentials, Func<AWSCredentials, CancellationToken, Task> send, CancellationToken token) =>
        BreakerOf(call.Operation).RunAsync(end => send(credentials, end), call.IsConfirmation, token);

    /// <summary>Waits for the turn to begin a session, if one is needed.</summary>
    private async Task TurnAsync(KmsCall call, AwsSession? instead, bool isConfirmation, ByokAuditCause cause, CancellationToken token)
    {
        // Until the session is there, so that an error names AWS STS as its source.
        call.Stage = Sessions!.Operation;
        call.IsAwaitingSession = true;

        // The session's request is measured where it is sent, because several calls may share it.
        call.Request = null;
        call.SessionAsked = _clock.Mark();

        // Other calls are part of an operation, which has this limit.
        using var limit = call.IsConfirmation ? new CancellationTokenSource(_pipeline.TotalTimeout, _clock.Time) : null;
        using var end = limit is null ? null : CancellationTokenSource.CreateLinkedTokenSource(token, limit.Token);
        try
        {
            call.SessionRequest = await Sessions.TurnAsync(instead, isConfirmation, cause, end?.Token ?? token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            throw Sessions.NoTurn();
        }
        catch (OperationCanceledException)
        {
            // The error, if the limit of the operation ended the call.
            call.LastError = Sessions.NoTurn();
            throw;
        }
    }

    /// <summary>The session whose turn the call has waited for.</summary>
    private static async Task<AwsSession> SessionAsync(KmsCall call, CancellationToken token)
    {
        var session = await call.SessionRequest!.WaitAsync(token).ConfigureAwait(false);

        // A session that was requested earlier is not a request of this call.
        if (session.Begun.IsAfter(call.SessionAsked))
        {
            call.FirstSent ??= session.Begun;
        }

        call.Stage = call.Operation;
        call.IsAwaitingSession = false;
        return session;
    }

    private async Task<TAnswer> SendAsync<TAnswer>(Request<TAnswer> request, AWSCredentials credentials, CancellationToken token)
        where TAnswer : AmazonWebServiceResponse
    {
        // The client is shared, and stays when this object is disposed.
        if (_stopped)
        {
            throw Disposed();
        }

        var call = request.Call;
        var region = Arn.Region;
        var client = _clients.In(region);
        call.Request = AwsAttempt.Begin(call.Operation, region, _clock.Time);
        Interlocked.Increment(ref _requests);

        // Marked before the request is sent: an acceptance counts from here, so a slow answer never makes a fact look newer than it is.
        call.Sent = _clock.Mark();
        call.FirstSent ??= call.Sent;
        try
        {
            // The AWS SDK may ignore the token. A late answer has no caller, so its plaintext is erased when it arrives.
            var sending = RingAudit.SendAsync(
                Audit,
                new AuditSubject(call.Operation, Arn, EncryptionContext: request.EncryptionContext),
                call.Cause,
                static (s, id) => s.request.Send(new Signer(s.client, s.credentials, id), s.token),
                (request, client, credentials, token));
            var answer = await sending.WaitObservedAsync(request.Erase, token).ConfigureAwait(false);

            // Trust boundary: an answer that is not AWS KMS's own must not establish a fact.
            request.Check(answer);
            call.RequestId = AwsAnswers.Id(answer.ResponseMetadata?.RequestId);
            call.Request?.Succeed(call.RequestId);
            return answer;
        }
        catch (AmazonServiceException e) when (Sessions is not null && !call.WasSessionReplaced && AwsErrors.SaysSessionEnded(e))
        {
            // Not translated, so the breaker does not count it: SignWithSessionAsync replaces the session and sends the request again.
            call.Request?.End(AttemptOutcome.Denied, e.ErrorCode, AwsAnswers.RequestId(e));
            throw;
        }
        catch (OperationCanceledException e) when (token.IsCancellationRequested && !request.Caller.IsCancellationRequested && !_stopped)
        {
            // The attempt's time limit is exceeded. Translated inside the breaker, so that the breaker counts it.
            var limit = new TimeoutRejectedException("", _pipeline.AttemptTimeout, e);
            var address = NetworkFailure.AddressOf(client.Config, "kms", region);
            throw Failed(call, Translate(limit, call.Operation, _pipeline.Lateness(call.AttemptBegan), address));
        }
        catch (Exception e)
            when (AwsErrors.IsAws(e) && !_stopped && !(e is OperationCanceledException && request.Caller.IsCancellationRequested))
        {
            throw Failed(call, Translate(e, call.Operation));
        }
    }

    private ByokException Translate(Exception error, string action, TimeSpan late = default, string? address = null) =>
        AwsErrors.Translate(error, Arn, action, Sessions?.Operation, late, address, IsOfHost);

    private static ByokException Failed(KmsCall call, ByokException error)
    {
        call.LastError = error;
        call.Request?.Fail(error);
        return error;
    }

    private static ObjectDisposedException Disposed() => new(RingDisposed.Name, "The key ring was disposed while the call was under way.");

    private TimeSpan RemainingOf(CircuitBreaker.Opening opening)
    {
        var remaining = opening.Until - _clock.Time.GetUtcNow();
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    Exception ISessionErrors.Explain(Exception error) =>
        AwsErrors.IsAws(error) ? AwsErrors.Translate(error, Arn, Sessions!.Operation, Sessions.Operation) : error;

    /// <summary>Logs when a Region stops answering and when it answers again, not each trial in between.</summary>
    void IBreakerOwner.BreakerChanged(string operation, CircuitState state, CircuitBreaker.Opening opening)
    {
        Instruments.BreakerChanged(
            state switch { CircuitState.Open => "open", CircuitState.HalfOpen => "half-open", _ => "closed" }, Arn.Region);
        if (state == CircuitState.Open && opening.IsFirst)
        {
            _logger.BreakerOpened(operation, Arn, Arn.Region, opening.Until);
        }
        else if (state == CircuitState.Closed)
        {
            _logger.BreakerClosed(operation, Arn, Arn.Region, opening.Since);
        }
    }

    /// <param name="Call">The call.</param>
    /// <param name="EncryptionContext">The encryption context; null if the action has none.</param>
    /// <param name="Send">Signs and sends the request.</param>
    /// <param name="Check">Throws if the answer cannot be used.</param>
    /// <param name="Erase">Erases the plaintext of an answer that arrives too late; null if it has none.</param>
    /// <param name="Caller">The caller's token, without the attempt's own time limit.</param>
    private sealed record Request<TAnswer>(
        KmsCall Call,
        IReadOnlyDictionary<string, string>? EncryptionContext,
        Func<Signer, CancellationToken, Task<TAnswer>> Send,
        Action<TAnswer> Check,
        Action<TAnswer>? Erase,
        CancellationToken Caller);

    /// <param name="Client">The client, which all customers share.</param>
    /// <param name="Credentials">The credentials of this key.</param>
    /// <param name="AuditId">The id of the request's audit record; null if there is none.</param>
    private readonly record struct Signer(IAmazonKeyManagementService Client, AWSCredentials Credentials, string? AuditId)
    {
        /// <summary>Gives a request its credentials, and the id of its audit record.</summary>
        public T Sign<T>(T request)
            where T : AmazonWebServiceRequest
        {
            RequestCredentials.Set(request, Credentials);
            return RingAudit.Mark(request, AuditId);
        }
    }
}
