namespace Scalr.Byok.Kms;

/// <summary>What items are encrypted under, before or after a run of <see cref="ByokReencryption"/>.</summary>
public sealed class ReencryptionKey
{
    private ReencryptionKey(ReencryptionForm form) => Form = form;

    /// <summary>Nothing: items are plaintext.</summary>
    public static ReencryptionKey None { get; } = new(ReencryptionForm.Plaintext);

    /// <summary>The form of items under this key.</summary>
    public ReencryptionForm Form { get; }

    internal IByokKeyRing? KeyRing { get; private init; }

    internal ByokDataKeySet? OpenKeys { get; private init; }

    internal Func<CancellationToken, ValueTask<ByokDataKeySet>>? OpenAsync { get; private init; }

    /// <summary>
    /// A key ring: items are messages. They are current under <see cref="IByokKeyRing.KeyArn"/> alone. The previous keys of the ring
    /// decrypt too, so a change of the customer's key can use one ring as <c>from</c> and <c>to</c>.
    /// </summary>
    /// <param name="ring">The ring.</param>
    public static ReencryptionKey Ring(IByokKeyRing ring)
    {
        ArgumentNullException.ThrowIfNull(ring);
        return new(ReencryptionForm.Message) { KeyRing = ring };
    }

    /// <summary>
    /// A data key that is opened when it is needed: items are values. The run opens it again after a denial, so it can continue when the
    /// customer has restored the access.
    /// </summary>
    /// <param name="open">
    /// Opens the data keys, for example by <see cref="IByokKeyRing.OpenDataKeyAsync"/>. The run disposes them. Items are current under the
    /// first one, <see cref="ByokDataKeySet.Primary"/>; all decrypt.
    /// </param>
    public static ReencryptionKey DataKeys(Func<CancellationToken, ValueTask<ByokDataKeySet>> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        return new(ReencryptionForm.Value) { OpenAsync = open };
    }

    /// <summary>
    /// Open data keys of the caller: items are values. A denial closes them, and the run ends with the exception. Use
    /// <see cref="DataKeys(Func{CancellationToken, ValueTask{ByokDataKeySet}})"/> for a run that continues.
    /// </summary>
    /// <param name="keys">
    /// The data keys. The caller disposes them after the run. Items are current under the first one,
    /// <see cref="ByokDataKeySet.Primary"/>; all decrypt.
    /// </param>
    public static ReencryptionKey DataKeys(ByokDataKeySet keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return new(ReencryptionForm.Value) { OpenKeys = keys };
    }

    /// <inheritdoc cref="DataKeys(ByokDataKeySet)"/>
    /// <param name="key">The data key. The caller disposes it after the run.</param>
    public static ReencryptionKey DataKey(ByokDataKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return DataKeys(new ByokDataKeySet(key));
    }
}
