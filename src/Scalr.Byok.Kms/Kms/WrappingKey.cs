using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One customer's KMS key with the credentials to use it: wraps and unwraps data keys. The only place that calls AWS KMS.</summary>
internal sealed class WrappingKey : IDisposable
{
    private readonly AWSCredentials _credentials;
    private readonly Func<AWSCredentials, string, IAmazonKeyManagementService> _createClient;
    private readonly AwsPipeline _pipeline;
    private readonly ILogger _logger;
    private Signed? _signed;
    private volatile bool _disposed;

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
        _pipeline = pipeline;
        _logger = logger;
    }

    public KmsKeyArn Arn { get; }

    /// <summary>Wraps by kms:Encrypt and returns the ciphertext blob. The data key's array is read in place, not copied.</summary>
    /// <exception cref="ByokException">KMS or STS refused or could not be reached.</exception>
    public async Task<byte[]> WrapAsync(ArraySegment<byte> dataKey, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var request = new EncryptRequest
        {
            KeyId = Arn.ToString(),
            EncryptionContext = new Dictionary<string, string>(encryptionContext),
            EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
        };
        var answer = await CallAsync(
            AwsAction.Encrypt,
            (client, token) =>
            {
                request.Plaintext = new MemoryStream(dataKey.Array!, dataKey.Offset, dataKey.Count, writable: false); // anew for a repeated call: the SDK leaves it at its end
                return client.EncryptAsync(request, token);
            },
            cancellationToken).ConfigureAwait(false);
        EnsureAnsweredBy(answer.KeyId, AwsAction.Encrypt);
        return answer.CiphertextBlob is { Length: > 0 } blob ? blob.ToArray() : throw Incomplete(AwsAction.Encrypt);
    }

    /// <summary>Unwraps by kms:Decrypt, always naming the key. The caller owns the result and erases it.</summary>
    /// <exception cref="ByokDecryptionException">KMS does not accept the blob under this key and encryption context.</exception>
    /// <exception cref="ByokException">KMS or STS refused or could not be reached.</exception>
    public async Task<byte[]> UnwrapAsync(
        ReadOnlyMemory<byte> ciphertextBlob, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var request = new DecryptRequest
        {
            KeyId = Arn.ToString(),
            EncryptionContext = new Dictionary<string, string>(encryptionContext),
            EncryptionAlgorithm = EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT,
        };
        var answer = await CallAsync(
            AwsAction.Decrypt,
            (client, token) =>
            {
                request.CiphertextBlob = new MemoryStream(ciphertextBlob.ToArray(), writable: false);
                return client.DecryptAsync(request, token);
            },
            cancellationToken).ConfigureAwait(false);
        using var plaintext = new ErasedStream(answer.Plaintext);

        // The AWS SDK does not compare: an answer for another key could carry anything.
        EnsureAnsweredBy(answer.KeyId, AwsAction.Decrypt);
        return plaintext.Take() ?? throw Incomplete(AwsAction.Decrypt);
    }

    public void Dispose()
    {
        _disposed = true;
        (_credentials as IDisposable)?.Dispose();
        Volatile.Read(ref _signed)?.Client.Dispose();
    }

    private async Task<TAnswer> CallAsync<TAnswer>(
        string action, Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> call, CancellationToken cancellationToken)
    {
        var step = new Step { Action = action };
        try
        {
            return await _pipeline.ExecuteAsync(
                (Key: this, Action: action, Call: call, Step: step),
                static (s, token) => s.Key.AttemptAsync(s.Action, s.Call, s.Step, token),
                cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (_disposed && AwsErrors.IsAws(e))
        {
            throw new ObjectDisposedException(nameof(IByokKeyRing), "The key ring was disposed while the call was under way.");
        }
        catch (Exception e) when (AwsErrors.IsAws(e))
        {
            throw Logged(AwsErrors.Translate(e, Arn, step.Action, (_credentials as SessionCredentials)?.Operation));
        }
        catch (ByokServiceException e)
        {
            throw Logged(e);
        }
    }

    private async Task<TAnswer> AttemptAsync<TAnswer>(
        string action, Func<IAmazonKeyManagementService, CancellationToken, Task<TAnswer>> call, Step step, CancellationToken token)
    {
        if (_credentials is not SessionCredentials sessions)
        {
            return await call(ClientFor(_credentials), token).WaitAsync(token).ConfigureAwait(false);
        }

        var session = await GetSessionAsync(sessions, step, token).ConfigureAwait(false);
        step.Action = action;
        try
        {
            return await call(ClientFor(session.Credentials), token).WaitAsync(token).ConfigureAwait(false);
        }
        catch (AmazonServiceException e) when (AwsErrors.SaysSessionEnded(e))
        {
            _logger.SessionRejected(Arn, e.ErrorCode);
            sessions.Discard(session);
        }

        session = await GetSessionAsync(sessions, step, token).ConfigureAwait(false);
        step.Action = action;
        return await call(ClientFor(session.Credentials), token).WaitAsync(token).ConfigureAwait(false);
    }

    private static ValueTask<AwsSession> GetSessionAsync(SessionCredentials sessions, Step step, CancellationToken token)
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

    private void EnsureAnsweredBy(string? keyId, string action)
    {
        if (string.IsNullOrEmpty(keyId))
        {
            throw Incomplete(action);
        }

        if (!KmsKeyArn.TryParse(keyId, out KmsKeyArn answered) || answered != Arn)
        {
            throw Logged(new ByokServiceException($"AWS KMS answered {action} for another key than {Arn}. The answer was not used.", isTransient: false)
            {
                Operation = action,
                Region = Arn.Region,
            });
        }
    }

    private ByokException Incomplete(string action) =>
        Logged(new ByokServiceException($"AWS KMS answered {action} for the key {Arn} without a result. Try again later.")
        {
            Operation = action,
            Region = Arn.Region,
        });

    private ByokException Logged(ByokException error)
    {
        switch (error)
        {
            case ByokKeyUnavailableException e:
                _logger.KeyUnavailable(e.Operation, Arn, e.Reason, e.RequestId);
                break;
            case ByokServiceException e:
                _logger.ServiceFailed(e.Operation ?? "A call to the host", Arn, e.InnerException?.GetType().Name ?? "an answer that cannot be used", e.RequestId);
                break;
        }

        return error;
    }

    /// <summary>What a call is at, so that a failure without an answer is told of the action that failed: AWS STS comes before AWS KMS.</summary>
    private sealed class Step
    {
        public required string Action { get; set; }
    }

    private sealed record Signed(AWSCredentials Credentials, IAmazonKeyManagementService Client);
}
