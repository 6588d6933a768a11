namespace Columns.Encryption;

/// <summary>
/// A row of <see cref="TenantRow"/> whose texts are encrypted if the row is sensitive, and stored as they are if it is not. The column
/// <c>is_sensitive</c> decides; the form of a stored text is never guessed.
/// </summary>
public interface IOptionallySensitive
{
    /// <summary>Whether the texts of the row are encrypted. Make it true in a new row, so that a forgotten line stores no secret.</summary>
    bool IsSensitive { get; }
}
