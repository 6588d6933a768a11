using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One customer's KMS key with the credentials to use it: wraps and unwraps data keys, and describes itself. The only place that calls AWS KMS.</summary>
internal sealed class WrappingKey : IDisposable
{
    private readonly AWSCredentials _credentials;
    private readonly Func<AWSCredentials, string, IAmazonKeyManagementService> _createClient;
    private readonly ILogger _logger;
    private Signed? _signed;

    /// <param name="arn">The key.</param>
    /// <param name="credentials">Owned from now on.</param>
    /// <param name="createClient">Makes a client for credentials and a Region.</param>
    /// <param name="pipeline">Time limits.</param>
    /// <param name="logger">Told of failures.</param>
    public WrappingKey(
        KmsKeyArn arn,
        AWSCredentials credentials,
        Func<AWSCredentials, string, IAmazonKeyManagementService> createClient,
        AwsPipeline pipeline,
        ILogger logger)
    {
        Arn = arn;
        _credentials = credentials;
        _createClient = createClient;
        _logger = logger;
        var sessions = credentials as SessionCredentials;
        Calls = new GuardedCalls(arn, sessions?.Operation, pipeline, logger);
        sessions?.Explain = error => AwsErrors.IsAws(error) ? AwsErrors.Translate(error, arn, sessions.Operation, sessions.Operation) : error;
    }

    public KmsKeyArn Arn { get; }

    /// <summary>For calls that are made on behalf of this key by others.</summary>
    public GuardedCalls Calls { get; }

    /// <summary>Wraps by kms:Encrypt. The data key's array is read in place, not copied.</summary>
    /// <exception cref="ByokException">KMS or STS refused or could not be reached.</exception>
    public Task<WrappedKey> WrapAsync(ArraySegment<byte> dataKey, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var step = new GuardedCalls.Step { Action = AwsAction.Encrypt };
        return Calls.CompleteAsync(step, token => TryWrapAsync(dataKey, encryptionContext, step, token), cancellationToken);
    }

    /// <summary>One attempt of <see cref="WrapAsync"/>.</summary>
    public async Task<WrappedKey> TryWrapAsync(
        ArraySegment<byte> dataKey, IReadOnlyDictionary<string, string> encryptionContext, GuardedCalls.Step step, CancellationToken cancellationToken)
    {
        var request = new EncryptRequest
        {
            KeyId = Arn.ToString(),
            EncryptionContext = new Dictionary<string, string>(encryptionContext),
            EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
        };
        var answer = await TryAsync(
            AwsAction.Encrypt,
            step,
            (client, token) =>
            {
                request.Plaintext = new MemoryStream(dataKey.Array!, dataKey.Offset, dataKey.Count, writable: false); // anew for a repeated call: the SDK leaves it at its end
                return client.EncryptAsync(request, token);
            },
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyId, answer.CiphertextBlob, AwsAction.Encrypt),
            cancellationToken).ConfigureAwait(false);
        return new WrappedKey(Arn, answer.CiphertextBlob.ToArray());
    }

    /// <summary>Unwraps by kms:Decrypt, always naming the key. The caller owns the result and erases it.</summary>
    /// <exception cref="ByokDecryptionException">KMS does not accept the blob under this key and encryption context.</exception>
    /// <exception cref="ByokException">KMS or STS refused or could not be reached.</exception>
    public Task<byte[]> UnwrapAsync(
        ReadOnlyMemory<byte> ciphertextBlob, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var step = new GuardedCalls.Step { Action = AwsAction.Decrypt };
        return Calls.CompleteAsync(step, token => TryUnwrapAsync(ciphertextBlob, encryptionContext, step, token), cancellationToken);
    }

    /// <summary>One attempt of <see cref="UnwrapAsync"/>.</summary>
    public async Task<byte[]> TryUnwrapAsync(
        ReadOnlyMemory<byte> ciphertextBlob, IReadOnlyDictionary<string, string> encryptionContext, GuardedCalls.Step step, CancellationToken cancellationToken)
    {
        var request = new DecryptRequest
        {
            KeyId = Arn.ToString(),
            EncryptionContext = new Dictionary<string, string>(encryptionContext),
            EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
        };
        var answer = await TryAsync(
            AwsAction.Decrypt,
            step,
            (client, token) =>
            {
                request.CiphertextBlob = new MemoryStream(ciphertextBlob.ToArray(), writable: false);
                return client.DecryptAsync(request, token);
            },
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyId, answer.Plaintext, AwsAction.Decrypt),
            cancellationToken).ConfigureAwait(false);
        using var plaintext = new ErasedStream(answer.Plaintext);
        return plaintext.Copy();
    }

    /// <summary>What kms:DescribeKey tells about the key.</summary>
    /// <exception cref="ByokException">KMS or STS refused or could not be reached.</exception>
    public Task<KeyMetadata> DescribeAsync(CancellationToken cancellationToken)
    {
        var step = new GuardedCalls.Step { Action = AwsAction.DescribeKey };
        return Calls.CompleteAsync(step, token => TryDescribeAsync(step, token), cancellationToken);
    }

    /// <summary>One attempt of <see cref="DescribeAsync"/>.</summary>
    public async Task<KeyMetadata> TryDescribeAsync(GuardedCalls.Step step, CancellationToken cancellationToken)
    {
        var request = new DescribeKeyRequest { KeyId = Arn.ToString() };
        var answer = await TryAsync(
            AwsAction.DescribeKey,
            step,
            (client, token) => client.DescribeKeyAsync(request, token),
            answer => AnswerChecks.EnsureUsable(Arn, answer.KeyMetadata),
            cancellationToken).ConfigureAwait(false);
        return answer.KeyMetadata;
    }

    /// <summary>Obtains the credentials without using them and says which identity came out: the ARN of a role's session; null where AWS STS is not asked.</summary>
    /// <exception cref="ByokException">STS refused or could not be reached.</exception>
    public Task<string?> IdentifyAsync(CancellationToken cancellationToken)
    {
        var step = new GuardedCalls.Step { Action = AwsAction.AssumeRole };
        return Calls.RunAsync<string?>(
            step,
            async token =>
            {
                if (_credentials is SessionCredentials sessions)
                {
                    return (await GetSessionAsync(sessions, step, token).ConfigureAwait(false)).Identity;
                }

                await _credentials.GetCredentialsAsync().OrAbandonAsync(token).ConfigureAwait(false);
                return null;
            },
            cancellationToken);
    }

    /// <summary>Begins a new session; does nothing where AWS STS is not asked.</summary>
    /// <exception cref="ByokException">STS refused or could not be reached; the old session stays.</exception>
    public Task RenewSessionAsync(CancellationToken cancellationToken) => _credentials is SessionCredentials sessions
        ? Calls.RunAsync(new GuardedCalls.Step { Action = sessions.Operation }, sessions.RenewAsync, cancellationToken)
        : Task.CompletedTask;

    /// <summary>The next call has to begin a new session.</summary>
    public void GiveUpSession() => (_credentials as SessionCredentials)?.Discard();

    public void Dispose()
    {
        Calls.Stop();
        (_credentials as IDisposable)?.Dispose();
        Volatile.Read(ref _signed)?.Client.Dispose();
    }

    private Task<TAnswer> TryAsync<TAnswer>(
        string action,
        GuardedCalls.Step step,
        Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> call,
        Action<TAnswer> check,
        CancellationToken cancellationToken)
    {
        step.Action = action;
        return Calls.TryAsync(
            step,
            async token =>
            {
                var answer = await AttemptAsync(action, call, step, token).ConfigureAwait(false);
                check(answer);
                return answer;
            },
            cancellationToken);
    }

    private async Task<TAnswer> AttemptAsync<TAnswer>(
        string action, Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> call, GuardedCalls.Step step, CancellationToken token)
    {
        if (_credentials is not SessionCredentials sessions)
        {
            return await Calls.SendAsync(step, call, ClientFor(_credentials), token).ConfigureAwait(false);
        }

        var session = await GetSessionAsync(sessions, step, token).ConfigureAwait(false);
        step.Action = action;
        try
        {
            return await Calls.SendAsync(step, call, ClientFor(session.Credentials), token).ConfigureAwait(false);
        }
        catch (AmazonServiceException e) when (AwsErrors.SaysSessionEnded(e))
        {
            step.Request?.End(AttemptOutcome.Refused, e.ErrorCode, e.RequestId);
            _logger.SessionRejected(Arn, e.ErrorCode);
            sessions.Discard(session);
        }

        session = await GetSessionAsync(sessions, step, token).ConfigureAwait(false);
        step.Action = action;
        return await Calls.SendAsync(step, call, ClientFor(session.Credentials), token).ConfigureAwait(false);
    }

    private static ValueTask<AwsSession> GetSessionAsync(SessionCredentials sessions, GuardedCalls.Step step, CancellationToken token)
    {
        step.Action = sessions.Operation;
        return sessions.GetSessionAsync(token);
    }

    /// <summary>The client that signs with these credentials. A new session brings a new client; calls under way keep the old one to their end.</summary>
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

    private sealed record Signed(AWSCredentials Credentials, IAmazonKeyManagementService Client);
}
