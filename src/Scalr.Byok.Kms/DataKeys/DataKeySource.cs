using System.Text;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Where the key ring's data keys come from: made here and wrapped by the key, or unwrapped by the key that wrapped them.</summary>
/// <remarks>Every call goes to KMS. <see cref="DataKeyCache"/> keeps what comes of it.</remarks>
internal sealed class DataKeySource : IDisposable
{
    private readonly CustomerKey _current;
    private readonly CustomerKey[] _all;

    /// <param name="keys">The current key wraps and unwraps, previous ones only unwrap.</param>
    /// <param name="failoverOnRefusal">Whether another Region of a key is used when one refuses, too.</param>
    /// <param name="logger">Told of failovers.</param>
    public DataKeySource(RingKeys keys, bool failoverOnRefusal, ILogger logger)
    {
        _current = new CustomerKey(keys.Current, keys.Replicas, failoverOnRefusal, logger);
        _all = [_current, .. keys.Previous.Select(key => new CustomerKey(key, [], failoverOnRefusal, logger))];
    }

    public KmsKeyArn CurrentArn => _current.Arn;

    /// <summary>A new data key and its wrapped form. The caller disposes the data key.</summary>
    public async Task<(DataKey Key, EncryptedDataKey Encrypted)> CreateAsync(
        IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var key = DataKey.Generate();
        try
        {
            return (key, await WrapAsync(key, encryptionContext, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>A data key that is there already, wrapped under the current key.</summary>
    /// <exception cref="ByokException">The key is not usable, or AWS could not be reached.</exception>
    public async Task<EncryptedDataKey> WrapAsync(DataKey key, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        var (arn, blob) = await _current.WrapAsync(key.Segment, encryptionContext, cancellationToken).ConfigureAwait(false);
        return new EncryptedDataKey(EncryptedDataKey.AwsKms, Encoding.UTF8.GetBytes(arn.ToString()), blob);
    }

    /// <summary>Whether a message says that its data key is wrapped under the current key, or a replica of it, and under no other.</summary>
    public bool AreCurrent(IReadOnlyList<EncryptedDataKey> encryptedKeys) =>
        encryptedKeys.All(encrypted => encrypted.TryGetKeyArn(out var arn) && _current.IsNamedBy(arn));

    /// <summary>The data key of a message, from the first of its encrypted data keys that one of this ring's keys unwraps.</summary>
    /// <exception cref="ByokDecryptionException">None of them is wrapped by a key of this ring, or KMS accepts none.</exception>
    /// <exception cref="ByokException">A key that could unwrap it is not usable, or AWS could not be reached.</exception>
    public async Task<OpenedKey> OpenAsync(
        IReadOnlyList<EncryptedDataKey> encryptedKeys, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken)
    {
        ByokException? refusal = null;
        foreach (var encrypted in encryptedKeys)
        {
            if (FindKey(encrypted) is not { } key)
            {
                continue;
            }

            try
            {
                var plaintext = await key.UnwrapAsync(encrypted.Ciphertext, encryptionContext, cancellationToken).ConfigureAwait(false);
                if (DataKey.TryTake(plaintext, out var dataKey))
                {
                    return new OpenedKey(dataKey, key.Arn, encrypted);
                }

                refusal ??= new ByokDecryptionException();
            }
            catch (ByokException e)
            {
                // A message may be wrapped for several keys: another one may do. An outage or a revocation says more than "not authentic".
                refusal = refusal is null or ByokDecryptionException ? e : refusal;
            }
        }

        throw refusal ?? new ByokDecryptionException(
            "The message is not encrypted under a key of this key ring. If the customer changed keys, add the old one to PreviousKeys.");
    }

    /// <summary>Asks AWS KMS to unwrap a data key once more, and erases what comes of it: to see whether that is still allowed.</summary>
    /// <exception cref="ByokException">It is not, or AWS could not be reached.</exception>
    public async Task CheckAsync(KeyOrigin origin, CancellationToken cancellationToken)
    {
        using var key = (await OpenAsync([origin.Encrypted], origin.Context, cancellationToken).ConfigureAwait(false)).Key;
    }

    /// <summary>Has somebody told when AWS says that one of the keys cannot be used.</summary>
    public void OnRefusal(Action<KmsKeyArn, ByokKeyUnavailableException> refused) => Array.ForEach(_all, key => key.Refused = refused);

    /// <summary>A look at the key of this ARN brought up that it cannot be used.</summary>
    public void Refuse(KmsKeyArn owner, ByokKeyUnavailableReason reason) =>
        Array.Find(_all, key => key.Arn == owner)?.Refuse(new ByokKeyUnavailableException(owner, reason, AwsAction.DescribeKey));

    /// <summary>Begins a new session for the key of this ARN, if it has sessions.</summary>
    /// <exception cref="ByokException">AWS STS refused or could not be reached.</exception>
    public Task RenewSessionAsync(KmsKeyArn owner, CancellationToken cancellationToken) =>
        Array.Find(_all, key => key.Arn == owner)?.RenewSessionAsync(cancellationToken) ?? Task.CompletedTask;

    public void Dispose()
    {
        foreach (var key in _all)
        {
            key.Dispose();
        }
    }

    /// <summary>The ring's key that wrapped it: the same key, or a replica of the same multi-Region key.</summary>
    private CustomerKey? FindKey(EncryptedDataKey encrypted) =>
        encrypted.Ciphertext.Length is > 0 and <= AnswerChecks.LongestBlob && encrypted.TryGetKeyArn(out var arn) ? Array.Find(_all, key => key.IsNamedBy(arn)) : null;
}
