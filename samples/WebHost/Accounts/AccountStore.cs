using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query;
using Scalr.Byok.Kms;

namespace WebHost.Accounts;

/// <summary>
/// Reads and changes accounts. Each change is one conditional UPDATE that names the version which the caller has read, so of two concurrent
/// changes, in one process or in several, one wins. What belongs to a change is in the same transaction.
/// </summary>
/// <param name="contexts">The host's database.</param>
/// <param name="protection">Encrypts the secrets in settings. All processes of the host share its keys.</param>
/// <param name="rings">The key rings of this process.</param>
/// <param name="time">The clock.</param>
public sealed class AccountStore(
    IDbContextFactory<AccountContext> contexts, IDataProtectionProvider protection, IByokKeyRingProvider rings, TimeProvider time)
{
    /// <summary>An account as it is now.</summary>
    /// <exception cref="InvalidOperationException">There is no such account.</exception>
    public async Task<Account> GetAsync(string tenant, CancellationToken cancellationToken = default)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Accounts.AsNoTracking().SingleAsync(account => account.Tenant == tenant, cancellationToken);
    }

    /// <summary>All accounts, for the operator and the re-encryption job.</summary>
    public async Task<List<Account>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Accounts.AsNoTracking().OrderBy(account => account.Tenant).ToListAsync(cancellationToken);
    }

    /// <summary>Creates an account under the platform key, unless there is one.</summary>
    public async Task CreateAsync(string tenant, CancellationToken cancellationToken = default)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        if (await context.Accounts.AnyAsync(account => account.Tenant == tenant, cancellationToken))
        {
            return;
        }

        context.Add(new Account
        {
            Tenant = tenant,
            Phase = AccountPhase.PlatformKey,
            Version = 1,
            Since = Now,
            ExternalId = ByokPolicies.NewExternalId(),
        });
        try
        {
            await context.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException)
        {
            // Another process was faster.
        }
    }

    /// <summary>The customer's key and credentials; null if the account has none.</summary>
    public ByokKeySettings? SettingsOf(Account account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return SettingsProtection.Read(protection, account.Tenant, account.Settings);
    }

    /// <summary>Stores settings that have passed "Test connection". They have no effect yet.</summary>
    /// <returns>The draft, for <see cref="ActivateAsync"/>; null if the account has changed since the page was shown.</returns>
    public async Task<Guid?> SaveDraftAsync(
        string tenant, long version, AccountAction action, ByokKeySettings settings, CancellationToken cancellationToken = default)
    {
        var (draft, json) = (Guid.NewGuid(), SettingsProtection.Write(protection, tenant, settings));
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var updated = await At(context, tenant, version).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Draft, json)
                .SetProperty(row => row.DraftId, draft)
                .SetProperty(row => row.DraftFor, action),
            cancellationToken);
        return updated == 1 ? draft : null;
    }

    /// <summary>Makes a draft the account's settings: Enable, ChangeKey or ChangeCredentials.</summary>
    public async Task<AccountChange> ActivateAsync(
        string tenant, long version, Guid draft, CancellationToken cancellationToken = default)
    {
        var account = await GetAsync(tenant, cancellationToken);
        if (account.Version != version || account.DraftId != draft || account.DraftFor is not { } action)
        {
            return AccountChange.Stale;
        }

        var (settings, previous) = (account.Draft, account.PreviousSettings);
        if (action == AccountAction.ChangeKey)
        {
            previous = account.Settings;
        }
        else if (action == AccountAction.ChangeCredentials)
        {
            previous = WithNewCredentials(account);
        }

        return await ChangeAsync(account, action, settings, previous, cancellationToken);
    }

    /// <summary>Makes a change that needs no new settings.</summary>
    public async Task<AccountChange> ChangeAsync(
        string tenant, long version, AccountAction action, CancellationToken cancellationToken = default)
    {
        var account = await GetAsync(tenant, cancellationToken);
        var settings = AccountRules.Next(account.Phase, action) is AccountPhase.PlatformKey or AccountPhase.DataKeyDeleted
            ? null
            : account.Settings;
        return account.Version == version
            ? await ChangeAsync(account, action, settings, previous: null, cancellationToken)
            : AccountChange.Stale;
    }

    /// <summary>Remembers that AWS KMS has accepted the account's key. This is not a change of the account.</summary>
    public async Task ConfirmAsync(string tenant, CancellationToken cancellationToken = default)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var now = Now;
        await context.Accounts.Where(row => row.Tenant == tenant)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ConfirmedAt, now), cancellationToken);
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private async Task<AccountChange> ChangeAsync(
        Account account, AccountAction action, string? settings, string? previous, CancellationToken cancellationToken)
    {
        if (AccountRules.Next(account.Phase, action) is not { } phase)
        {
            return AccountChange.Illegal;
        }

        var tenant = account.Tenant;
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        if (await At(context, tenant, account.Version).ExecuteUpdateAsync(
            Update(account, phase, settings, previous), cancellationToken) != 1)
        {
            return AccountChange.Stale;
        }

        if (action is AccountAction.DeleteDataKey or AccountAction.StartAgain)
        {
            await DeleteDataKeysAsync(context, tenant, cancellationToken);
        }

        if (action is AccountAction.StartAgain)
        {
            await context.Database.ExecuteSqlAsync($"DELETE FROM variables WHERE tenant = {tenant} AND is_sensitive", cancellationToken);
        }

        if (!await RegisterAsync(context, tenant, [settings, previous], cancellationToken))
        {
            return AccountChange.Registered;
        }

        await transaction.CommitAsync(cancellationToken);
        rings.Invalidate(tenant); // other processes notice the new version (TenantData)
        return AccountChange.Done;
    }

    private Action<UpdateSettersBuilder<Account>> Update(Account account, AccountPhase phase, string? settings, string? previous)
    {
        var isNewMove = phase.IsMove() && phase != account.Phase;
        var since = phase == account.Phase ? account.Since : Now;
        var move = isNewMove ? Guid.NewGuid() : account.MoveId;
        return set => set.SetProperty(row => row.Phase, phase)
            .SetProperty(row => row.Version, account.Version + 1)
            .SetProperty(row => row.Since, since)
            .SetProperty(row => row.Settings, settings)
            .SetProperty(row => row.PreviousSettings, previous)
            .SetProperty(row => row.MoveId, move)
            .SetProperty(row => row.Draft, (string?)null)
            .SetProperty(row => row.DraftId, (Guid?)null)
            .SetProperty(row => row.DraftFor, (AccountAction?)null);
    }

    private static IQueryable<Account> At(AccountContext context, string tenant, long version) =>
        context.Accounts.Where(row => row.Tenant == tenant && row.Version == version);

    /// <summary>Deletes the data keys of the values, and the files, whose contents hold data keys of their own.</summary>
    private static async Task DeleteDataKeysAsync(AccountContext context, string tenant, CancellationToken cancellationToken)
    {
        await context.Database.ExecuteSqlAsync($"DELETE FROM data_keys WHERE tenant = {tenant}", cancellationToken);
        await context.Files.Where(file => file.Tenant == tenant).ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>Registers keys and roles for the tenant. The primary key of the table decides between tenants.</summary>
    private async Task<bool> RegisterAsync(
        AccountContext context, string tenant, IEnumerable<string?> settings, CancellationToken cancellationToken)
    {
        var wanted = settings.Select(json => SettingsProtection.Read(protection, tenant, json)).OfType<ByokKeySettings>()
            .SelectMany(ByokTenantResources.Of).ToHashSet();
        var registered = await context.Resources.Where(row => row.Tenant == tenant).ToListAsync(cancellationToken);
        context.RemoveRange(registered.Where(row => !wanted.Contains(row.Resource)));
        context.AddRange(wanted.Except(registered.Select(row => row.Resource))
            .Select(resource => new Columns.StoredKeyResource { Resource = resource, Tenant = tenant }));
        try
        {
            await context.SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (DbUpdateException)
        {
            return false;
        }
    }

    /// <summary>The previous key's settings. If it was used with the credentials that are replaced, it gets the new ones too.</summary>
    private string? WithNewCredentials(Account account)
    {
        var previous = SettingsProtection.Read(protection, account.Tenant, account.PreviousSettings);
        if (previous is null)
        {
            return null;
        }

        var (current, draft) = (SettingsOf(account)!, SettingsProtection.Read(protection, account.Tenant, account.Draft)!);
        if (previous.Credentials.AccessKeyId == current.Credentials.AccessKeyId
            && previous.Credentials.RoleArn == current.Credentials.RoleArn)
        {
            previous.Credentials = draft.Credentials;
        }

        return SettingsProtection.Write(protection, account.Tenant, previous);
    }
}
