using System.Linq.Expressions;
using Columns.Encryption;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// The host's database as one tenant sees it, for one request. Made by <see cref="TenantContexts"/>, which opens the tenant's data keys;
/// disposes them.
/// </summary>
/// <param name="options">The host's database.</param>
/// <param name="tenant">The tenant; null sees no tenant's rows, only the encrypted data keys.</param>
/// <param name="dataKeys">The tenant's data keys, open.</param>
public sealed class HostContext(
    DbContextOptions<HostContext> options, string? tenant = null, ByokDataKeySet? dataKeys = null) : DbContext(options)
{
    /// <summary>The tenant.</summary>
    public string? Tenant { get; } = tenant;

    /// <summary>The tenant's data keys, open as long as this context.</summary>
    public ByokDataKeySet? DataKeys { get; } = dataKeys;

    /// <summary>The tenant's variables.</summary>
    public DbSet<Variable> Variables => Set<Variable>();

    /// <summary>The tenant's credentials.</summary>
    public DbSet<ProviderCredentials> ProviderCredentials => Set<ProviderCredentials>();

    /// <summary>All tenants' encrypted data keys.</summary>
    public DbSet<StoredDataKey> StoredDataKeys => Set<StoredDataKey>();

    /// <summary>All tenants' key settings.</summary>
    public DbSet<StoredKeySettings> KeySettings => Set<StoredKeySettings>();

    /// <summary>All tenants' KMS keys and IAM roles.</summary>
    public DbSet<StoredKeyResource> KeyResources => Set<StoredKeyResource>();

    /// <inheritdoc/>
    public override void Dispose()
    {
        DataKeys?.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        DataKeys?.Dispose();
        return base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder)
    {
        ArgumentNullException.ThrowIfNull(optionsBuilder);
        optionsBuilder.AddInterceptors(ColumnInterceptor.Instance, DistinctGuard.Instance);
    }

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        MapTenantRow<Variable>(modelBuilder, "variables");
        MapTenantRow<ProviderCredentials>(modelBuilder, "provider_credentials");
        modelBuilder.Entity<Variable>().Property(row => row.Workspace).HasColumnName("workspace");
        modelBuilder.Entity<ProviderCredentials>().Property(row => row.Kind).HasColumnName("kind");
        modelBuilder.Entity<StoredDataKey>(key =>
        {
            key.ToTable("data_keys").HasKey(row => new { row.Tenant, row.Number });
            key.Property(row => row.Tenant).HasColumnName("tenant");
            key.Property(row => row.Number).HasColumnName("number");
            key.Property(row => row.EncryptedKey).HasColumnName("encrypted_key");
        });
        modelBuilder.Entity<StoredKeySettings>(settings =>
        {
            settings.ToTable("key_settings").HasKey(row => row.Tenant);
            settings.Property(row => row.Tenant).HasColumnName("tenant");
            settings.Property(row => row.Json).HasColumnName("json");
        });
        modelBuilder.Entity<StoredKeyResource>(resource =>
        {
            resource.ToTable("key_resources").HasKey(row => row.Resource);
            resource.Property(row => row.Resource).HasColumnName("resource");
            resource.Property(row => row.Tenant).HasColumnName("tenant");
        });
        EncryptedColumn.Map(modelBuilder);
    }

    private void MapTenantRow<T>(ModelBuilder model, string table)
        where T : TenantRow
    {
        Expression<Func<T, bool>> isOwn = row => row.Tenant == Tenant;
        model.Entity<T>().ToTable(table).HasQueryFilter(isOwn);
        model.Entity<T>().HasIndex(row => new { row.Tenant, row.Id }); // a tenant's rows are read in pages
        model.Entity<T>().Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
        // no update or delete reaches another tenant's row
        model.Entity<T>().Property(row => row.Tenant).HasColumnName("tenant").IsConcurrencyToken();
    }
}
