namespace Scalr.Byok.Kms;

/// <summary>The new content of an item.</summary>
/// <typeparam name="TItem">What the source needs to find the item again.</typeparam>
public sealed class ReencryptionReplacement<TItem>
{
    /// <summary>Creates the new content of an item. For the library, and for tests of sources.</summary>
    /// <param name="old">The item as it was read.</param>
    /// <param name="form">What the new bytes are.</param>
    /// <param name="bytes">The new bytes. Takes ownership.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public ReencryptionReplacement(ReencryptionItem<TItem> old, ReencryptionForm form, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(bytes);
        Old = old;
        Form = form;
        Content = bytes;
    }

    /// <summary>The item as it was read. It is replaced only if its form and bytes are still these.</summary>
    public ReencryptionItem<TItem> Old { get; }

    /// <summary>What the new bytes are. Store it with them, in the same step.</summary>
    public ReencryptionForm Form { get; }

    /// <summary>The new bytes. They are erased after <see cref="IReencryptionSource{TItem}.ReplaceAsync"/>.</summary>
    public ReadOnlyMemory<byte> Bytes => Content;

    internal byte[] Content { get; }
}
