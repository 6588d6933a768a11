using System.Globalization;
using System.Security.Cryptography;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One KMS key in one Region, with the credentials to use it. The only class that sends requests to AWS KMS. Safe for concurrent use.</summary>
/// <remarks>
/// An attempt passes, outermost first: the limit of concurrent calls, the attempt's time limit, the session, the circuit breaker. So the breaker counts
/// only what AWS KMS itself does, and trouble of kms:DescribeKey or AWS STS does not block encryption and decryption.
/// </remarks>
internal sealed class KmsRegion : IDisposable
{
    private readonly AWSCredentials _credentials;
    private readonly Func<AWSCredentials, string, IAmazonKeyManagementService> _createClient;
    private readonly AwsPipeline _pipeline;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;
    private CircuitBreaker? _data;
    private CircuitBreaker? _describe;
    private SemaphoreSlim? _turns; // has no wait handle, so there is nothing to dispose
    private Signed? _signed;
    private volatile bool _stopped;

    /// <param name="arn">The key, in this Region.</param>
    /// <param name="credentials">Owned from now on.</param>
    /// <param name="createClient">Creates a client for credentials and a Region.</param>
    /// <param name="pipeline">Time limits and retries.</param>
    /// <param name="clock">Marks when requests are sent.</param>
    /// <param name="logger">The log.</param>
    public KmsRegion(
        KmsKeyArn arn,
        AWSCredentials credentials,
        Func<AWSCredentials, string, IAmazonKeyManagementService> createClient,
        AwsPipeline pipeline,
        AgeClock clock,
        ILogger logger)
    {
        Arn = arn;
        _credentials = credentials;
        _createClient = createClient;
        _pipeline = pipeline;
        _clock = clock;
        _logger = logger;
        Sessions = credentials as SessionCredentials;
        Sessions?.Explain = error => AwsErrors.IsAws(error) ? AwsErrors.Translate(error, arn, Sessions.Operation, Sessions.Operation) : error;
    }

    public KmsKeyArn Arn { get; }

    /// <summary>The role's sessions; null where no role is assumed.</summary>
    public SessionCredentials? Sessions { get; }

    /// <summary>The circuit breaker of an action. kms:Encrypt and kms:Decrypt share one, since a Region that is out answers neither; kms:DescribeKey has its own.</summary>
    public CircuitBreaker BreakerOf(string operation)
    {
        ref var breaker = ref operation == AwsAction.DescribeKey ? ref _describe : ref _data;
        return LazyInitializer.EnsureInitialized(ref breaker, () => _pipeline.CreateBreaker((state, opening) => OnBreaker(operation, state, opening)));
    }

    /// <summary>One attempt of kms:Encrypt.</summary>
    /// <returns>The ciphertext blob.</returns>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<byte[]> EncryptAsync(
        KmsCall call, IPlaintext plaintext, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(plaintext.Length, pinned: true);
        try
        {
            plaintext.CopyTo(bytes);
            var answer = await AttemptAsync(
                call,
                (client, token) => client.EncryptAsync(
                    new EncryptRequest
                    {
                        KeyId = Arn.ToString(),
                        EncryptionContext = new Dictionary<string, string>(encryptionContext),
                        EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
                        Plaintext = new MemoryStream(bytes, writable: false),
                    },
                    token),
                answer => AnswerChecks.EnsureUsable(Arn, answer.KeyId, answer.CiphertextBlob, AwsAction.Encrypt),
                erase: null,
                cancellationToken).ConfigureAwait(false);
            return answer.CiphertextBlob.ToArray();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>One attempt of kms:Decrypt, which always names the key.</summary>
    /// <param name="call">The call.</param>
    /// <param name="ciphertextBlob">The ciphertext blob.</param>
    /// <param name="encryptionContext">The encryption context.</param>
    /// <param name="take">Takes the plaintext.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ByokDecryptionException">AWS KMS does not accept the blob under this key and encryption context.</exception>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<T> DecryptAsync<T>(
        KmsCall call,
        ReadOnlyMemory<byte> ciphertextBlob,
        IReadOnlyDictionary<string, string> encryptionContext,
        TakePlaintext<T> take,
        CancellationToken cancellationToken)
    {
        var answer = await AttemptAsync(
            call,
            (client, token) => client.DecryptAsync(
                new DecryptRequest
                {
                    KeyId = Arn.ToString(),
                    EncryptionContext = new Dictionary<string, string>(encryptionContext),
                    EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
                    CiphertextBlob = new MemoryStream(ciphertextBlob.ToArray(), writable: false),
                },
                token),
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyId, answer.Plaintext, AwsAction.Decrypt),
            static answer => new ErasedStream(answer.Plaintext).Dispose(),
            cancellationToken).ConfigureAwait(false);
        using var plaintext = new ErasedStream(answer.Plaintext);
        return take(plaintext.Span);
    }

    /// <summary>One attempt of kms:DescribeKey.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<KeyMetadata> DescribeAsync(KmsCall call, CancellationToken cancellationToken)
    {
        var answer = await AttemptAsync(
            call,
            (client, token) => client.DescribeKeyAsync(new DescribeKeyRequest { KeyId = Arn.ToString() }, token),
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyMetadata),
            erase: null,
            cancellationToken).ConfigureAwait(false);
        return answer.KeyMetadata;
    }

    /// <summary>One attempt to begin a session in place of another.</summary>
    /// <param name="call">The call.</param>
    /// <param name="instead">The session to replace; null for the present one, whichever it is.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The new session; null where no role is assumed.</returns>
    /// <exception cref="ByokException">AWS STS denied the role or gave no usable answer.</exception>
    public Task<AwsSession?> RenewSessionAsync(KmsCall call, AwsSession? instead, CancellationToken cancellationToken) => Sessions is { } sessions
        ? LimitedAsync<AwsSession?>(call, async token => await SessionAsync(call, t => new ValueTask<AwsSession>(sessions.RenewAsync(instead, t)), token).ConfigureAwait(false), cancellationToken)
        : Task.FromResult<AwsSession?>(null);

    /// <summary>One attempt to obtain the credentials, without using them.</summary>
    /// <returns>The ARN of the role's session; null where AWS STS is not asked.</returns>
    /// <exception cref="ByokException">AWS STS denied the role or gave no usable answer.</exception>
    public Task<string?> IdentifyAsync(KmsCall call, CancellationToken cancellationToken) => LimitedAsync<string?>(
        call,
        async token =>
        {
            if (Sessions is { } sessions)
            {
                return (await SessionAsync(call, t => sessions.GetAsync(call.IsConfirmation, t), token).ConfigureAwait(false)).Identity;
            }

            await _credentials.GetCredentialsAsync().OrAbandonAsync(token).ConfigureAwait(false);
            return null;
        },
        cancellationToken);

    /// <summary>One attempt of something that the caller sends itself.</summary>
    /// <param name="call">The call.</param>
    /// <param name="send">Sends it; calls its first argument right before.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public Task<T> SendAsync<T>(KmsCall call, Func<Action, CancellationToken, Task<T>> send, CancellationToken cancellationToken) =>
        LimitedAsync(call, token => send(() => call.Request = AwsAttempt.Begin(call.Stage, Arn.Region, _clock.Time), token), cancellationToken);

    /// <summary>Why a call was not tried: the breaker is open.</summary>
    public ByokServiceException NotTried(string operation)
    {
        var opening = BreakerOf(operation).Open;
        var since = opening is null
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $" since {opening.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC. The next attempt is due at {opening.Until.UtcDateTime:HH:mm:ss} UTC");
        var last = opening?.Error is { } error ? $" The last error was: {error.Message}" : "";
        return new ByokServiceException(
            $"{operation} for the key {Arn} was not tried, because AWS KMS has not answered it in Region {Arn.Region}{since}. The key itself is not the cause.{last}",
            isTransient: true,
            opening?.Error)
        {
            Operation = operation,
            Region = Arn.Region,
            RetryAfter = opening is null ? null : RemainingOf(opening),
            Trouble = Errors.ServiceTrouble.NotTried,
        };
    }

    public void Dispose()
    {
        _stopped = true;
        (_credentials as IDisposable)?.Dispose();
        Volatile.Read(ref _signed)?.Client.Dispose();
    }

    private async Task<TAnswer> AttemptAsync<TAnswer>(
        KmsCall call,
        Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> send,
        Action<TAnswer> check,
        Action<TAnswer>? erase,
        CancellationToken cancellationToken)
        where TAnswer : AmazonWebServiceResponse
    {
        // A confirmation is alone for its key, which is its reserved place.
        var turns = call.IsConfirmation ? null : LazyInitializer.EnsureInitialized(ref _turns, () => new SemaphoreSlim(_pipeline.MaxConcurrentCalls));
        if (turns is not null)
        {
            await turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await LimitedAsync(call, token => SignedAsync(call, send, check, erase, cancellationToken, token), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turns?.Release();
        }
    }

    /// <summary>Runs an attempt within its time limit, and makes ours what AWS, the transport or the limit throws.</summary>
    private async Task<T> LimitedAsync<T>(KmsCall call, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            var result = await _pipeline.AttemptAsync(
                static (attempt, token) => new ValueTask<T>(attempt(token)), attempt, cancellationToken).ConfigureAwait(false);
            call.Request?.Succeed(requestId: null);
            return result;
        }
        catch (Exception e) when (_stopped && (AwsErrors.IsAws(e) || e is ByokException) && !cancellationToken.IsCancellationRequested)
        {
            throw Disposed(); // not tried again
        }
        catch (Exception e) when (AwsErrors.IsAws(e) && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw Failed(call, AwsErrors.Translate(e, Arn, call.Stage, Sessions?.Operation));
        }
        catch (ByokException e)
        {
            throw Failed(call, e);
        }
        catch (OperationCanceledException e)
        {
            call.Request?.Fail(e);
            throw;
        }
    }

    private async Task<TAnswer> SignedAsync<TAnswer>(
        KmsCall call,
        Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> send,
        Action<TAnswer> check,
        Action<TAnswer>? erase,
        CancellationToken caller,
        CancellationToken token)
        where TAnswer : AmazonWebServiceResponse
    {
        if (Sessions is not { } sessions)
        {
            return await GuardedAsync(call, send, check, erase, _credentials, caller, token).ConfigureAwait(false);
        }

        var session = call.Session = await SessionAsync(call, t => sessions.GetAsync(call.IsConfirmation, t), token).ConfigureAwait(false);
        try
        {
            return await GuardedAsync(call, send, check, erase, session.Credentials, caller, token).ConfigureAwait(false);
        }
        catch (AmazonServiceException e) when (!call.WasSessionReplaced && AwsErrors.SaysSessionEnded(e))
        {
            _logger.SessionRejected(Arn, e.ErrorCode);
            call.WasSessionReplaced = true;
        }

        session = call.Session = await SessionAsync(call, t => new ValueTask<AwsSession>(sessions.RenewAsync(session, t)), token).ConfigureAwait(false);
        return await GuardedAsync(call, send, check, erase, session.Credentials, caller, token).ConfigureAwait(false);
    }

    private async Task<AwsSession> SessionAsync(KmsCall call, Func<CancellationToken, ValueTask<AwsSession>> get, CancellationToken token)
    {
        call.Stage = Sessions!.Operation;
        call.Request = null; // the session's request is measured where it is sent, since it may be shared
        var now = _clock.Mark();
        var session = await get(token).ConfigureAwait(false);
        if (session.Begun.IsAfter(now))
        {
            call.FirstSent ??= session.Begun;
        }

        call.Stage = call.Operation;
        return session;
    }

    private async Task<TAnswer> GuardedAsync<TAnswer>(
        KmsCall call,
        Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> send,
        Action<TAnswer> check,
        Action<TAnswer>? erase,
        AWSCredentials credentials,
        CancellationToken caller,
        CancellationToken token)
        where TAnswer : AmazonWebServiceResponse
    {
        try
        {
            return await BreakerOf(call.Operation).RunAsync(
                static (s, token) => new ValueTask<TAnswer>(s.This.RequestAsync(s.call, s.send, s.check, s.erase, s.credentials, s.caller, token)),
                (This: this, call, send, check, erase, credentials, caller),
                call.IsConfirmation,
                token).ConfigureAwait(false);
        }
        catch (BrokenCircuitException)
        {
            AwsAttempt.BeginUnsent(call.Operation, Arn.Region, _clock.Time)?.End(AttemptOutcome.DeniedByBreaker, nameof(BrokenCircuitException), requestId: null);
            throw NotTried(call.Operation);
        }
    }

    private async Task<TAnswer> RequestAsync<TAnswer>(
        KmsCall call,
        Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> send,
        Action<TAnswer> check,
        Action<TAnswer>? erase,
        AWSCredentials credentials,
        CancellationToken caller,
        CancellationToken token)
        where TAnswer : AmazonWebServiceResponse
    {
        call.Request = AwsAttempt.Begin(call.Operation, Arn.Region, _clock.Time);
        call.Sent = _clock.Mark();
        call.FirstSent ??= call.Sent;
        try
        {
            var answer = await send(ClientFor(credentials), token).OrAbandonAsync(erase, token).ConfigureAwait(false);
            check(answer);
            call.Request?.Succeed(answer.ResponseMetadata?.RequestId);
            return answer;
        }
        catch (AmazonServiceException e) when (Sessions is not null && !call.WasSessionReplaced && AwsErrors.SaysSessionEnded(e))
        {
            call.Request?.End(AttemptOutcome.Refused, e.ErrorCode, e.RequestId);
            throw;
        }
        catch (OperationCanceledException e) when (token.IsCancellationRequested && !caller.IsCancellationRequested && !_stopped)
        {
            // The attempt's time limit is over. Made ours here, inside the breaker, so that the breaker counts it.
            throw Failed(call, AwsErrors.Translate(new TimeoutRejectedException("", _pipeline.AttemptTimeout, e), Arn, call.Operation, Sessions?.Operation));
        }
        catch (Exception e) when (AwsErrors.IsAws(e) && !_stopped && !(e is OperationCanceledException && caller.IsCancellationRequested))
        {
            throw Failed(call, AwsErrors.Translate(e, Arn, call.Operation, Sessions?.Operation));
        }
    }

    private static ByokException Failed(KmsCall call, ByokException error)
    {
        call.LastError = error;
        call.Request?.Fail(error);
        return error;
    }

    private static ObjectDisposedException Disposed() => new(RingDisposed.Name, "The key ring was disposed while the call was under way.");

    /// <summary>The client that signs with these credentials. A new session gets a new client; requests under way keep the old one to their end.</summary>
    private IAmazonKeyManagementService ClientFor(AWSCredentials credentials)
    {
        var signed = Volatile.Read(ref _signed);
        if (signed is null || !ReferenceEquals(signed.Credentials, credentials))
        {
            signed = new Signed(credentials, _createClient(credentials, Arn.Region));
            Volatile.Write(ref _signed, signed);
        }

        return signed.Client;
    }

    private TimeSpan RemainingOf(CircuitBreaker.Opening opening)
    {
        var remaining = opening.Until - _clock.Time.GetUtcNow();
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    /// <summary>The log tells when a Region is lost and when it is back, not each trial between.</summary>
    private void OnBreaker(string operation, CircuitState state, CircuitBreaker.Opening opening)
    {
        Instruments.BreakerChanged(state switch { CircuitState.Open => "open", CircuitState.HalfOpen => "half-open", _ => "closed" }, Arn.Region);
        if (state == CircuitState.Open && opening.IsFirst)
        {
            _logger.BreakerOpened(operation, Arn, Arn.Region, opening.Until);
        }
        else if (state == CircuitState.Closed)
        {
            _logger.BreakerClosed(operation, Arn, Arn.Region, opening.Since);
        }
    }

    private sealed record Signed(AWSCredentials Credentials, IAmazonKeyManagementService Client);
}
