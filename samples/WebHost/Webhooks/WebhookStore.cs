using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using WebHost.Accounts;

namespace WebHost.Webhooks;

/// <summary>The customers' addresses and the messages to them, in the host's database.</summary>
/// <param name="contexts">The host's database.</param>
/// <param name="protection">Encrypts the secrets.</param>
/// <param name="time">The clock.</param>
public sealed class WebhookStore(
    IDbContextFactory<AccountContext> contexts, IDataProtectionProvider protection, TimeProvider time)
{
    private static readonly TimeSpan Claim = TimeSpan.FromSeconds(30);

    /// <summary>The times after which a failed attempt is repeated.</summary>
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(8),
    ];

    /// <summary>A tenant's address; null if there is none.</summary>
    public async Task<string?> FindUrlAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Webhooks.Where(row => row.Tenant == tenant).Select(row => row.Url).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Stores a tenant's address, or removes it.</summary>
    /// <returns>The new signing secret, which is shown once; null if the address was removed.</returns>
    public async Task<string?> SaveAsync(string tenant, Uri? url, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await context.Webhooks.Where(row => row.Tenant == tenant).ExecuteDeleteAsync(cancellationToken);
        if (url is null)
        {
            return null;
        }

        var secret = WebhookSignature.NewSecret();
        context.Add(new Webhook { Tenant = tenant, Url = url.ToString(), Secret = ProtectorOf(tenant).Protect(secret) });
        await context.SaveChangesAsync(cancellationToken);
        return secret;
    }

    /// <summary>Adds a message to the caller's transaction.</summary>
    internal void Add(AccountContext context, string tenant, string payload)
    {
        var now = time.GetUtcNow().UtcDateTime;
        context.Add(new WebhookDelivery
        {
            Id = $"msg_{Guid.CreateVersion7():N}",
            Tenant = tenant,
            Payload = payload,
            CreatedAt = now,
            NextAttempt = now,
        });
    }

    /// <summary>A tenant's newest messages.</summary>
    public async Task<List<WebhookDelivery>> ListAsync(string tenant, int count, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Deliveries.AsNoTracking().Where(row => row.Tenant == tenant).OrderByDescending(row => row.Id).Take(count)
            .ToListAsync(cancellationToken);
    }

    /// <summary>Claims a message that is due, so that no other process sends it at the same time.</summary>
    /// <returns>The message, the address and the secret; null if none is due.</returns>
    public async Task<(WebhookDelivery Delivery, string Url, string Secret)?> ClaimAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow().UtcDateTime;
        var due = await context.Deliveries.AsNoTracking().Where(row => row.NextAttempt <= now).OrderBy(row => row.Id)
            .FirstOrDefaultAsync(cancellationToken);
        if (due is null)
        {
            return null;
        }

        var until = now + Claim;
        var claimed = await context.Deliveries
            .Where(row => row.Id == due.Id && row.Attempts == due.Attempts && row.NextAttempt <= now)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.NextAttempt, until), cancellationToken) == 1;
        var webhook = await context.Webhooks.AsNoTracking().SingleOrDefaultAsync(row => row.Tenant == due.Tenant, cancellationToken);
        if (claimed && webhook is null)
        {
            await EndAsync(due, "The address was removed.", isDelivered: true, cancellationToken);
        }

        return claimed && webhook is not null ? (due, webhook.Url, ProtectorOf(due.Tenant).Unprotect(webhook.Secret)) : null;
    }

    /// <summary>Stores the result of an attempt.</summary>
    public async Task EndAsync(WebhookDelivery delivery, string status, bool isDelivered, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        DateTime? next = isDelivered || delivery.Attempts >= Pauses.Length
            ? null
            : time.GetUtcNow().UtcDateTime + Pauses[delivery.Attempts];
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await context.Deliveries.Where(row => row.Id == delivery.Id).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Attempts, delivery.Attempts + 1)
                .SetProperty(row => row.NextAttempt, next)
                .SetProperty(row => row.Status, status),
            cancellationToken);
    }

    private IDataProtector ProtectorOf(string tenant) => protection.CreateProtector("webhost", "webhook", tenant);
}
