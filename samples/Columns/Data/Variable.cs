using Columns.Encryption;

namespace Columns;

/// <summary>A variable of a workspace.</summary>
public sealed class Variable : TenantRow, IOptionallySensitive
{
    /// <summary>Whether name and value are encrypted. A variable that is not sensitive is stored as plain text.</summary>
    public bool IsSensitive { get; set; } = true;

    /// <summary>The workspace; unencrypted, so that it can be searched for.</summary>
    public required string Workspace { get; set; }

    /// <summary>The variable's name.</summary>
    [Encrypted("variables", "name")]
    public required string Name { get; set; }

    /// <summary>The variable's value; null if it has none.</summary>
    [Encrypted("variables", "value")]
    public string? Value { get; set; }
}
