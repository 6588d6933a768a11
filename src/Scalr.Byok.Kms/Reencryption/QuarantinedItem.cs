namespace Scalr.Byok.Kms;

/// <summary>An item that could not be re-encrypted and was left as it is. Contains no content.</summary>
/// <param name="Key">The <see cref="ReencryptionItem{TItem}.Key"/> of the item.</param>
/// <param name="Reason">Why the item was left as it is.</param>
public sealed record QuarantinedItem(string Key, ReencryptionQuarantineReason Reason);
