using Microsoft.EntityFrameworkCore;

namespace Reencryption;

/// <summary>The tables of the moves, in the host's database.</summary>
/// <param name="options">The host's database.</param>
public sealed class MoveContext(DbContextOptions<MoveContext> options) : DbContext(options)
{
    /// <summary>All moves.</summary>
    public DbSet<StoredMove> Moves => Set<StoredMove>();

    /// <summary>The values that could not be moved.</summary>
    public DbSet<QuarantinedValue> Quarantined => Set<QuarantinedValue>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<StoredMove>(move =>
        {
            move.ToTable("moves").HasKey(row => new { row.Tenant, row.Column });
            move.Property(row => row.Tenant).HasColumnName("tenant");
            move.Property(row => row.Column).HasColumnName("column_name");
            move.Property(row => row.Status).HasColumnName("status");
            move.Property(row => row.Checkpoint).HasColumnName("checkpoint");
            move.Property(row => row.Moved).HasColumnName("moved");
            move.Property(row => row.Report).HasColumnName("report");
            move.Property(row => row.ServedAt).HasColumnName("served_at");
        });
        modelBuilder.Entity<QuarantinedValue>(value =>
        {
            value.ToTable("quarantined_values").HasKey(row => new { row.Tenant, row.Column, row.Key });
            value.Property(row => row.Tenant).HasColumnName("tenant");
            value.Property(row => row.Column).HasColumnName("column_name");
            value.Property(row => row.Key).HasColumnName("key");
            value.Property(row => row.Reason).HasColumnName("reason");
        });
    }
}
