using System.ComponentModel.DataAnnotations.Schema;

namespace Columns.Encryption;

/// <summary>
/// Marks a text of a <see cref="TenantRow"/> that is stored encrypted. EF Core never maps the text itself, so an incomplete configuration
/// cannot store it unencrypted.
/// </summary>
/// <param name="table">
/// The name of the table that the value is bound to. Keep it if the table is renamed: stored values can be decrypted under this name only.
/// </param>
/// <param name="column">The name of the column in the database. The value is bound to it, too.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EncryptedAttribute(string table, string column) : NotMappedAttribute
{
    /// <summary>The table that values are bound to.</summary>
    public string Table { get; } = table;

    /// <summary>The column that values are stored in and bound to.</summary>
    public string Column { get; } = column;
}
