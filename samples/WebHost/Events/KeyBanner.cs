using Scalr.Byok.Kms;
using WebHost.Accounts;

namespace WebHost.Events;

/// <summary>What every page of an account shows at its top while something is wrong with the customer's key.</summary>
/// <param name="accounts">The accounts.</param>
/// <param name="events">The events.</param>
/// <param name="time">The clock.</param>
public sealed class KeyBanner(AccountStore accounts, KeyEventStore events, TimeProvider time)
{
    /// <summary>The state of the customer's present key; null if it can be used, or if the account uses the platform key.</summary>
    public async Task<StoredKeyEvent?> FindAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var account = await accounts.GetAsync(tenant, cancellationToken);
        if (accounts.SettingsOf(account)?.KeyArn is not { } key)
        {
            return null;
        }

        var last = await events.FindLastAsync(tenant, key, isWarning: false, cancellationToken);
        if (last?.Kind is ByokKeyEventKind.Denied or ByokKeyEventKind.Unreachable)
        {
            return last;
        }

        // The end of a warning is not an event. A key that was restored afterwards has none, or a new one.
        var warning = await events.FindLastAsync(tenant, key, isWarning: true, cancellationToken);
        return warning?.Deadline > time.GetUtcNow().UtcDateTime && !(last?.Id > warning.Id) ? warning : null;
    }
}
