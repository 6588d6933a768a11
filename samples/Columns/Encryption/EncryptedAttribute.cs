using System.ComponentModel.DataAnnotations.Schema;

namespace Columns.Encryption;

/// <summary>
/// Says that a text of a <see cref="TenantRow"/> is stored encrypted. It is never mapped itself, so that no forgotten line of set-up can
/// store it unencrypted.
/// </summary>
/// <param name="table">
/// The table, as the value is bound to it. It stays what it is if the table is ever renamed: values that are stored open under no other
/// name.
/// </param>
/// <param name="column">The column: its name in the database, and, as with the table, what the value is bound to.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EncryptedAttribute(string table, string column) : NotMappedAttribute
{
    /// <summary>The table that values are bound to.</summary>
    public string Table { get; } = table;

    /// <summary>The column that values are stored in and bound to.</summary>
    public string Column { get; } = column;
}
