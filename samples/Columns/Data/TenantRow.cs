namespace Columns;

/// <summary>A row of one tenant. Its id is known before it is saved, since encrypted values are bound to it.</summary>
public abstract class TenantRow
{
    /// <summary>The row's id; ids of this kind grow with time, which indexes like.</summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>Whose row it is; set when it is saved first.</summary>
    public string Tenant { get; private set; } = "";
}
