using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace WebHost.Accounts;

/// <summary>Tells the library which keys a tenant uses: the settings that belong to the phase of the account.</summary>
/// <param name="contexts">The host's database.</param>
/// <param name="protection">Decrypts the secrets in settings.</param>
public sealed class AccountKeyStore(IDbContextFactory<AccountContext> contexts, IDataProtectionProvider protection)
    : IByokKeySettingsStore, IByokTenantRegistrations
{
    /// <inheritdoc/>
    public async ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var account = await context.Accounts.AsNoTracking().SingleOrDefaultAsync(row => row.Tenant == tenant, cancellationToken);
        var settings = account?.Phase is AccountPhase.PlatformKey or AccountPhase.MovingToPlatformKey
            ? ByokKeySettings.Platform
            : SettingsProtection.Read(protection, tenant, account?.Settings);
        switch (account?.Phase)
        {
            case AccountPhase.MovingToCustomerKey:
                settings!.PreviousKeys.Add(ByokPreviousKeySettings.Platform);
                break;
            case AccountPhase.MovingToNewKey:
                settings!.PreviousKeys.Add(PreviousOf(SettingsProtection.Read(protection, tenant, account.PreviousSettings)!));
                break;
            case AccountPhase.MovingToPlatformKey:
                settings!.PreviousKeys.Add(PreviousOf(SettingsProtection.Read(protection, tenant, account.Settings)!));
                break;
            case null or AccountPhase.DataKeyDeleted:
                return null; // never the platform key
        }

        return settings;
    }

    /// <inheritdoc/>
    public async ValueTask<string?> FindTenantAsync(string resource, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return (await context.Resources.FindAsync([resource], cancellationToken))?.Tenant;
    }

    /// <summary>A key of the customer as a key that may still decrypt.</summary>
    public static ByokPreviousKeySettings PreviousOf(ByokKeySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new() { KeyArn = settings.KeyArn, Credentials = settings.Credentials };
    }
}
