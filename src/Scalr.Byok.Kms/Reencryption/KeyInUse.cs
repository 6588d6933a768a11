using System.Globalization;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Reencryption;

/// <summary>One side of a run: encrypts and decrypts under a ring or data keys. Safe for concurrent use.</summary>
internal sealed class KeyInUse : IDisposable
{
    private const int KeyIdOffset = 1;
    private const int KeyIdLength = 7;

    private readonly ReencryptionKey _key;
    private readonly SemaphoreSlim _opening = new(1, 1); // has no wait handle, so there is nothing to dispose
    private readonly List<ByokDataKeySet> _opened = [];
    private ByokDataKeySet? _keys;
    private ByokDataKeySet? _known;
    private long _calls;
    private volatile bool _hasWorked;

    public KeyInUse(ReencryptionKey key)
    {
        _key = key;
        _keys = _known = key.OpenKeys;
    }

    public ReencryptionForm Form => _key.Form;

    public IByokKeyRing? Ring => _key.KeyRing;

    /// <summary>Whether a denied data key can be opened again.</summary>
    public bool Recovers => _key.OpenKeys is null;

    /// <summary>
    /// Whether the key has served an item and is not known to be denied. Then a rejection by AWS may concern one item alone.
    /// </summary>
    public bool IsServing => Form switch
    {
        ReencryptionForm.Message => _hasWorked && Ring is not IDeniableKeyRing { IsDenied: true },
        ReencryptionForm.Value => Volatile.Read(ref _keys) is not null,
        _ => true,
    };

    /// <summary>
    /// The number of requests to AWS KMS by the ring. Of a ring that does not count them, such as a mock: one for each call.
    /// </summary>
    public long Requests => Ring is IMeteredKeyRing metered ? metered.KmsRequests : Volatile.Read(ref _calls);

    /// <summary>What follows "not" in the count, such as "under key arn:aws:kms:…".</summary>
    public string Describe() => Form switch
    {
        ReencryptionForm.Message => $"under key {Ring!.KeyArn}",
        ReencryptionForm.Value when _known is not null => $"under {NameOf(_known.Primary.Head)}",
        ReencryptionForm.Value => "under the data key",
        _ => ReencryptionCount.Plaintext,
    };

    /// <summary>Whether an item has this form and names this key alone. Not authenticated.</summary>
    /// <remarks>Opens data keys that were never opened, and calls AWS for nothing else.</remarks>
    public ValueTask<bool> IsCurrentAsync(ReencryptionForm form, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        form != Form ? new(false) : form switch
        {
            ReencryptionForm.Message => new(ByokMessage.TryRead(bytes, out var header) && !Ring!.NeedsReencryption(header)),
            ReencryptionForm.Value when _known is { } known => new(!known.NeedsReencryption(bytes.Span)),
            ReencryptionForm.Value => OpenAndCompareAsync(bytes, cancellationToken),
            _ => new(true),
        };

    /// <summary>The keys that an item names, as <see cref="ReencryptionCount.ByKey"/> calls them.</summary>
    public static IReadOnlyCollection<string> NamesOf(ReencryptionForm form, ReadOnlyMemory<byte> bytes)
    {
        switch (form)
        {
            case ReencryptionForm.Plaintext:
                return [ReencryptionCount.Plaintext];
            case ReencryptionForm.Message when ByokMessage.TryRead(bytes, out var header):
                var keys = header.KeyArns.Select(arn => arn.ToString()).ToHashSet(StringComparer.Ordinal);
                return keys.Count > 0 ? keys : [ReencryptionCount.Other];
            case ReencryptionForm.Value when bytes.Length >= ByokDataKey.Overhead:
                return [NameOf(bytes.Span)];
            default:
                return [ReencryptionCount.Unreadable];
        }
    }

    /// <summary>Decrypts an item that has this form.</summary>
    /// <returns>The plaintext; the caller erases it. Null if the item is not authentic under this key.</returns>
    public async ValueTask<byte[]?> TryDecryptAsync(
        ReadOnlyMemory<byte> bytes,
        IReadOnlyDictionary<string, string>? encryptionContext,
        ByokAssociatedData place,
        CancellationToken cancellationToken)
    {
        ByokDataKeySet? keys = null;
        try
        {
            if (Ring is null)
            {
                keys = Volatile.Read(ref _keys) ?? await GetKeysAsync(cancellationToken).ConfigureAwait(false);
                return keys.Decrypt(bytes.Span, place);
            }

            Interlocked.Increment(ref _calls);
            var plaintext = await Ring.DecryptAsync(bytes, encryptionContext, cancellationToken).ConfigureAwait(false);
            _hasWorked = true;
            return plaintext;
        }
        catch (ByokDecryptionException)
        {
            return null;
        }
        catch (ArgumentException) when (Ring is not null)
        {
            return null; // a context that no message can have
        }
        catch (ByokKeyUnavailableException) when (keys is not null)
        {
            GiveUp(keys);
            throw;
        }
    }

    /// <summary>Encrypts under this key.</summary>
    /// <returns>The new content. Null if the plaintext cannot be encrypted with this context.</returns>
    public async ValueTask<byte[]?> TryEncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext,
        ByokAssociatedData place,
        CancellationToken cancellationToken)
    {
        ByokDataKeySet? keys = null;
        try
        {
            if (Ring is null)
            {
                keys = Volatile.Read(ref _keys) ?? await GetKeysAsync(cancellationToken).ConfigureAwait(false);
                return keys.Encrypt(plaintext.Span, place);
            }

            Interlocked.Increment(ref _calls);
            var message = await Ring.EncryptAsync(plaintext, encryptionContext, cancellationToken).ConfigureAwait(false);
            _hasWorked = true;
            return message;
        }
        catch (ArgumentException)
        {
            return null;
        }
        catch (ByokKeyUnavailableException) when (keys is not null)
        {
            GiveUp(keys);
            throw;
        }
    }

    public void Dispose() => _opened.ForEach(keys => keys.Dispose());

    private static string NameOf(ReadOnlySpan<byte> value) => string.Create(
        CultureInfo.InvariantCulture, $"data key {Convert.ToHexStringLower(value.Slice(KeyIdOffset, KeyIdLength))}");

    private async ValueTask<bool> OpenAndCompareAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        !(await GetKeysAsync(cancellationToken).ConfigureAwait(false)).NeedsReencryption(bytes.Span);

    /// <summary>A denial has closed data keys. The next use opens them again.</summary>
    private void GiveUp(ByokDataKeySet keys)
    {
        if (Recovers)
        {
            Interlocked.CompareExchange(ref _keys, null, keys);
        }
    }

    private async ValueTask<ByokDataKeySet> GetKeysAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_keys is { } open)
            {
                return open;
            }

            var keys = await _key.OpenAsync!(cancellationToken).ConfigureAwait(false)
                ?? throw new InvalidOperationException(
                    $"The function of {nameof(ReencryptionKey)}.{nameof(ReencryptionKey.DataKeys)} returned null.");
            _opened.Add(keys);
            _known = keys;
            Volatile.Write(ref _keys, keys);
            return keys;
        }
        finally
        {
            _opening.Release();
        }
    }
}
