using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;
using WebHost.Accounts;
using WebHost.Webhooks;

namespace WebHost.Events;

/// <summary>Keeps the library's key events for the account's pages, and for the customer's webhook.</summary>
/// <param name="contexts">The host's database.</param>
/// <param name="webhooks">The messages to customers.</param>
public sealed class KeyEventStore(IDbContextFactory<AccountContext> contexts, WebhookStore webhooks) : IByokKeyObserver
{
    /// <inheritdoc/>
    public async Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keyEvent);
        if (keyEvent.Tenant is not { } tenant)
        {
            return;
        }

        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var key = keyEvent.KeyArn.ToString();
        var last = await FindLastAsync(tenant, key, keyEvent.Kind == ByokKeyEventKind.Warned, cancellationToken);
        if (last is not null && last.Kind == keyEvent.Kind && last.Code == keyEvent.Code
            && (keyEvent.Kind != ByokKeyEventKind.Warned || last.Deadline == keyEvent.Deadline?.UtcDateTime))
        {
            return; // another process has reported it
        }

        context.Add(new StoredKeyEvent
        {
            Tenant = tenant,
            KeyArn = key,
            Kind = keyEvent.Kind,
            Code = keyEvent.Code,
            Owner = keyEvent.Owner,
            Message = keyEvent.Message,
            Remedy = keyEvent.Remedy,
            Start = keyEvent.Start.UtcDateTime,
            Deadline = keyEvent.Deadline?.UtcDateTime,
        });
        if (await context.Webhooks.AnyAsync(row => row.Tenant == tenant, cancellationToken))
        {
            webhooks.Add(context, tenant, PayloadOf(keyEvent));
        }

        await context.SaveChangesAsync(cancellationToken);
    }

    /// <summary>The newest warning of a tenant's key, or the newest other event; null if there is none.</summary>
    /// <remarks>A key can be denied and have a warning, in any order.</remarks>
    public async Task<StoredKeyEvent?> FindLastAsync(string tenant, string keyArn, bool isWarning, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.KeyEvents.AsNoTracking()
            .Where(row => row.Tenant == tenant && row.KeyArn == keyArn && row.Kind == ByokKeyEventKind.Warned == isWarning)
            .OrderByDescending(row => row.Id).FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>A tenant's newest events, the newest first.</summary>
    public async Task<List<StoredKeyEvent>> ListAsync(string tenant, int count, CancellationToken cancellationToken = default)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.KeyEvents.AsNoTracking().Where(row => row.Tenant == tenant).OrderByDescending(row => row.Id).Take(count)
            .ToListAsync(cancellationToken);
    }

    /// <summary>The event as JSON. It has no secret and no data of the customer.</summary>
    private static string PayloadOf(ByokKeyEvent keyEvent) => JsonSerializer.Serialize(new
    {
        type = $"key.{keyEvent.Kind.ToString().ToLowerInvariant()}",
        timestamp = keyEvent.Start,
        data = new
        {
            id = keyEvent.Id,
            account = keyEvent.Tenant,
            keyArn = keyEvent.KeyArn.ToString(),
            code = keyEvent.Code,
            owner = keyEvent.Owner.ToString(),
            message = keyEvent.Message,
            remedy = keyEvent.Remedy,
            deadline = keyEvent.Deadline,
        },
    });
}
