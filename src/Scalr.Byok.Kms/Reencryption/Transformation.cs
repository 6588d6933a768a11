using System.Security.Cryptography;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Reencryption;

/// <summary>Moves the content of single items from one key to another. Safe for concurrent use.</summary>
internal sealed class Transformation
{
    private readonly KeyInUse _from;
    private readonly KeyInUse _to;
    private readonly bool _verifies;

    public Transformation(KeyInUse from, KeyInUse to, bool verifies)
    {
        _from = from;
        _to = to;
        _verifies = verifies;
    }

    /// <summary>Decrypts an item, encrypts it under the target key, and verifies the new content.</summary>
    /// <returns>The new content, or the reason why there is none.</returns>
    /// <exception cref="ByokKeyUnavailableException">The key is unavailable.</exception>
    /// <exception cref="ByokServiceException">AWS gave no usable answer.</exception>
    public async ValueTask<(byte[]? Content, ReencryptionQuarantineReason Reason)> ApplyAsync<TItem>(
        ReencryptionItem<TItem> item, CancellationToken cancellationToken)
    {
        ThrowIfPlaceIsMissing(item);
        var context = item.EncryptionContext;
        if (item.Form == ReencryptionForm.Message)
        {
            if (!ByokMessage.TryRead(item.Bytes, out var header))
            {
                return (null, ReencryptionQuarantineReason.NotAuthentic);
            }

            if (header.EncryptionContext.ContainsKey(EncryptionContext.PurposeKey))
            {
                return (null, ReencryptionQuarantineReason.EncryptedDataKey);
            }

            context = OwnPairs(header); // authentic, if the message is
        }

        byte[]? decrypted = null;
        var keepsDecrypted = false;
        try
        {
            if (item.Form != ReencryptionForm.Plaintext)
            {
                (decrypted, var reason) = await DecryptAsync(item, cancellationToken).ConfigureAwait(false);
                if (decrypted is null)
                {
                    return (null, reason);
                }
            }

            var plaintext = decrypted ?? item.Bytes;
            if (_to.Form == ReencryptionForm.Plaintext)
            {
                keepsDecrypted = true;
                return (decrypted, default);
            }

            var content = await _to.TryEncryptAsync(plaintext, context, item.Place, cancellationToken).ConfigureAwait(false);
            if (content is null)
            {
                return (null, ReencryptionQuarantineReason.NotEncryptable);
            }

            return !_verifies || await IsVerifiedAsync(content, plaintext, context, item.Place, cancellationToken).ConfigureAwait(false)
                ? (content, default)
                : (null, ReencryptionQuarantineReason.NotVerified);
        }
        finally
        {
            if (!keepsDecrypted)
            {
                CryptographicOperations.ZeroMemory(decrypted);
            }
        }
    }

    /// <summary>The pairs of a message without those that the library or AWS's SDKs add.</summary>
    private static Dictionary<string, string> OwnPairs(UnauthenticatedHeader header) => new(header.EncryptionContext.Where(pair =>
        !pair.Key.StartsWith(EncryptionContext.OwnPrefix, StringComparison.Ordinal)
        && !pair.Key.StartsWith(EncryptionContext.ReservedPrefix, StringComparison.Ordinal)));

    private async ValueTask<(byte[]? Plaintext, ReencryptionQuarantineReason Reason)> DecryptAsync<TItem>(
        ReencryptionItem<TItem> item, CancellationToken cancellationToken)
    {
        if (item.Form != _from.Form && item.Form != _to.Form)
        {
            return (null, ReencryptionQuarantineReason.NoKey);
        }

        var plaintext = item.Form == _from.Form ? await TryDecryptAsync(_from, item, cancellationToken).ConfigureAwait(false) : null;

        // Items under another key of the target, for example those of an earlier run, decrypt under the target.
        if (plaintext is null && item.Form == _to.Form && _to != _from)
        {
            plaintext = await TryDecryptAsync(_to, item, cancellationToken).ConfigureAwait(false);
        }

        return (plaintext, plaintext is null ? ReencryptionQuarantineReason.NotAuthentic : default);
    }

    private static ValueTask<byte[]?> TryDecryptAsync<TItem>(
        KeyInUse key, ReencryptionItem<TItem> item, CancellationToken cancellationToken) =>
        key.TryDecryptAsync(item.Bytes, item.EncryptionContext, item.Place, cancellationToken);

    private async ValueTask<bool> IsVerifiedAsync(
        byte[] content,
        ReadOnlyMemory<byte> plaintext,
        IReadOnlyDictionary<string, string>? context,
        ByokAssociatedData place,
        CancellationToken cancellationToken)
    {
        var again = await _to.TryDecryptAsync(content, context, place, cancellationToken).ConfigureAwait(false);
        try
        {
            return again is not null && again.AsSpan().SequenceEqual(plaintext.Span);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(again);
        }
    }

    /// <summary>A missing place is a mistake in the source: the run ends instead of listing every item.</summary>
    private void ThrowIfPlaceIsMissing<TItem>(ReencryptionItem<TItem> item)
    {
        if ((item.Form == ReencryptionForm.Value || _to.Form == ReencryptionForm.Value) && item.Place == default)
        {
            throw new InvalidOperationException(
                $"The source did not set {nameof(ReencryptionItem<>.Place)} of an item that is or becomes a value. "
                + $"{nameof(ByokAssociatedData)}.{nameof(ByokAssociatedData.None)} states that there is no place.");
        }
    }
}
