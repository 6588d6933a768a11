namespace Scalr.Byok.Kms;

/// <summary>
/// What the bytes of an item are. The source states it, by a stored marker or because a column has one form only. It is never guessed from
/// the bytes: otherwise a customer's text that looks like a message would count as encrypted.
/// </summary>
public enum ReencryptionForm
{
    /// <summary>Not stated. A run throws <see cref="InvalidOperationException"/> for such an item.</summary>
    Unknown = 0,

    /// <summary>Plaintext.</summary>
    Plaintext,

    /// <summary>A message of an <see cref="IByokKeyRing"/>.</summary>
    Message,

    /// <summary>A value of a <see cref="ByokDataKey"/>.</summary>
    Value,
}
