using Columns;
using Microsoft.EntityFrameworkCore;
using WebHost.Events;
using WebHost.Files;
using WebHost.Moves;
using WebHost.Webhooks;

namespace WebHost.Accounts;

/// <summary>The host's own tables: accounts, moves and key events. The encrypted data is in <see cref="HostContext"/>.</summary>
/// <param name="options">The host's database.</param>
public sealed class AccountContext(DbContextOptions<AccountContext> options) : DbContext(options)
{
    /// <summary>All accounts.</summary>
    public DbSet<Account> Accounts => Set<Account>();

    /// <summary>The KMS keys and IAM roles that accounts have registered.</summary>
    public DbSet<StoredKeyResource> Resources => Set<StoredKeyResource>();

    /// <summary>How far data has moved.</summary>
    public DbSet<Move> Moves => Set<Move>();

    /// <summary>All files, without their contents.</summary>
    public DbSet<StoredFile> Files => Set<StoredFile>();

    /// <summary>What the library has reported about accounts' keys.</summary>
    public DbSet<StoredKeyEvent> KeyEvents => Set<StoredKeyEvent>();

    /// <summary>The addresses that receive events.</summary>
    public DbSet<Webhook> Webhooks => Set<Webhook>();

    /// <summary>The messages to these addresses.</summary>
    public DbSet<WebhookDelivery> Deliveries => Set<WebhookDelivery>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<Account>().ToTable("accounts").HasKey(account => account.Tenant);
        modelBuilder.Entity<Move>().ToTable("account_moves").HasKey(move => new { move.MoveId, move.Source });
        modelBuilder.Entity<StoredFile>(file =>
        {
            file.ToTable("files").HasKey(row => row.Id);
            file.HasIndex(row => new { row.Tenant, row.Id });
        });
        modelBuilder.Entity<Webhook>().ToTable("webhooks").HasKey(webhook => webhook.Tenant);
        modelBuilder.Entity<WebhookDelivery>(delivery =>
        {
            delivery.ToTable("webhook_deliveries").HasKey(row => row.Id);
            delivery.HasIndex(row => row.NextAttempt);
        });
        modelBuilder.Entity<StoredKeyEvent>(one =>
        {
            one.ToTable("key_events").HasKey(row => row.Id);
            one.HasIndex(row => new { row.Tenant, row.Id });
        });
        modelBuilder.Entity<StoredKeyResource>(resource =>
        {
            // HostContext of samples/Columns creates the table.
            resource.ToTable("key_resources", table => table.ExcludeFromMigrations()).HasKey(row => row.Resource);
            resource.Property(row => row.Resource).HasColumnName("resource");
            resource.Property(row => row.Tenant).HasColumnName("tenant");
        });
    }
}
