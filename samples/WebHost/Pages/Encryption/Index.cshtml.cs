using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms;
using WebHost.Accounts;
using WebHost.Data;
using WebHost.Events;
using WebHost.Moves;
using WebHost.Webhooks;

namespace WebHost.Pages.Encryption;

/// <summary>The encryption settings of the signed-in account: the state, what to do, and the changes that are legal now.</summary>
/// <param name="accounts">The accounts.</param>
/// <param name="data">The tenant's key ring.</param>
/// <param name="moves">The progress of moves.</param>
/// <param name="events">The events of keys.</param>
/// <param name="webhooks">The customer's address for events.</param>
/// <param name="client">Sends to that address.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class IndexModel(
    AccountStore accounts, TenantData data, MoveStore moves, KeyEventStore events, WebhookStore webhooks, WebhookClient client) : PageModel
{
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    /// <summary>The account.</summary>
    public Account Account { get; private set; } = null!;

    /// <summary>The customer's key and credentials; null under the platform key.</summary>
    public ByokKeySettings? Settings { get; private set; }

    /// <summary>What AWS said about the key just now; null if it was not asked or did not answer in time.</summary>
    public ByokKeyHealth? Health { get; private set; }

    /// <summary>The progress of the present move.</summary>
    public MoveProgress? Progress { get; private set; }

    /// <summary>The newest events.</summary>
    public IReadOnlyList<StoredKeyEvent> Events { get; private set; } = [];

    /// <summary>The address that receives events; null if there is none.</summary>
    public string? WebhookUrl { get; private set; }

    /// <summary>A new signing secret, which is shown once.</summary>
    public string? WebhookSecret { get; private set; }

    /// <summary>The newest messages to the address.</summary>
    public IReadOnlyList<WebhookDelivery> Deliveries { get; private set; } = [];

    /// <summary>The result of the last change. It is part of the address, so that the tab which has sent the change shows it.</summary>
    [BindProperty(SupportsGet = true)]
    public AccountChange Result { get; set; } = AccountChange.Done;

    /// <summary>Why the last change was not made; null if it was.</summary>
    public string? Notice { get; private set; }

    /// <summary>The state in one sentence.</summary>
    public string State => Account.Phase switch
    {
        AccountPhase.PlatformKey => "Your data is encrypted under the key of this service (the platform key).",
        AccountPhase.MovingToCustomerKey => "Your data moves from the platform key to your own key.",
        AccountPhase.CustomerKey => "Your data is encrypted under your own key.",
        AccountPhase.MovingToNewKey => "Your data moves from your previous key to your new key.",
        AccountPhase.MovingToPlatformKey => "Your data moves from your own key to the platform key.",
        _ => "The data key of this account was deleted. The encrypted data is unreadable.",
    };

    /// <summary>What to do next, in one sentence.</summary>
    public string NextStep => Account.Phase switch
    {
        not AccountPhase.DataKeyDeleted when Health?.Findings.FirstOrDefault(IsError) is { } problem => problem.Remedy,
        AccountPhase.PlatformKey => "To use a key of your own, choose Enable.",
        AccountPhase.CustomerKey => "You have nothing to do. Keep the key enabled.",
        AccountPhase.DataKeyDeleted => "Remove the unreadable data to start again.",
        AccountPhase.MovingToCustomerKey => "Wait until the move has ended. You can work as usual.",
        _ => "Keep both keys available until the move has ended. You can work as usual.",
    };

    /// <summary>Shows the settings.</summary>
    public async Task OnGetAsync(CancellationToken stop)
    {
        var tenant = User.Tenant();
        Notice ??= NoticeOf(Result);
        Account = await accounts.GetAsync(tenant, stop);
        Settings = accounts.SettingsOf(Account);
        Events = await events.ListAsync(tenant, 20, stop);
        WebhookUrl = await webhooks.FindUrlAsync(tenant, stop);
        Deliveries = await webhooks.ListAsync(tenant, 5, stop);
        Progress = Account.Phase.IsMove() ? MoveProgress.Of(await moves.ListAsync(Account.MoveId!.Value, stop)) : null;
        if (Account.Phase != AccountPhase.DataKeyDeleted)
        {
            await ProbeAsync(tenant, stop);
        }
    }

    /// <summary>Stores the address for events, or removes it.</summary>
    public async Task<IActionResult> OnPostWebhookAsync(string? url, CancellationToken stop)
    {
        Uri? address = null;
        if (!string.IsNullOrWhiteSpace(url) && (!Uri.TryCreate(url.Trim(), UriKind.Absolute, out address) || !client.Accepts(address)))
        {
            Notice = "The address was not saved. It must begin with https://.";
        }
        else
        {
            WebhookSecret = await webhooks.SaveAsync(User.Tenant(), address, stop);
        }

        await OnGetAsync(stop);
        return Page();
    }

    /// <summary>Returns to the platform key.</summary>
    public Task<IActionResult> OnPostReturnAsync(long version, CancellationToken stop) =>
        ChangeAsync(version, AccountAction.ReturnToPlatformKey, stop);

    /// <summary>Deletes the data keys, if the customer has typed the word.</summary>
    public async Task<IActionResult> OnPostDeleteAsync(long version, string? confirmation, CancellationToken stop)
    {
        if (confirmation?.Trim() != "delete")
        {
            Notice = "Nothing was deleted. Type the word delete to confirm.";
            await OnGetAsync(stop);
            return Page();
        }

        return await ChangeAsync(version, AccountAction.DeleteDataKey, stop);
    }

    /// <summary>Removes unreadable data.</summary>
    public Task<IActionResult> OnPostStartAgainAsync(long version, CancellationToken stop) =>
        ChangeAsync(version, AccountAction.StartAgain, stop);

    /// <summary>Leads to this page, which shows why a change was not made.</summary>
    public static IActionResult To(AccountChange result) =>
        new RedirectToPageResult("/Encryption/Index", result == AccountChange.Done ? null : new { result });

    private static string? NoticeOf(AccountChange change) => change switch
    {
        AccountChange.Done => null,
        AccountChange.Registered => "Another account has registered this key or role. Nothing was changed.",
        AccountChange.Illegal => "This is not possible at the moment. Nothing was changed.",
        _ => "The settings were changed in another tab or by another person. Nothing was changed by you. This is the present state.",
    };

    private async Task<IActionResult> ChangeAsync(long version, AccountAction action, CancellationToken stop) =>
        To(await accounts.ChangeAsync(User.Tenant(), version, action, stop));

    private static bool IsError(ByokKeyFinding finding) => finding.Severity == ByokKeyFindingSeverity.Error;

    private async Task ProbeAsync(string tenant, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(ProbeTime);
        try
        {
            Health = await (await data.GetKeyRingAsync(tenant, limit.Token)).ProbeAsync(limit.Token);
            if (Health.Status == HealthStatus.Healthy)
            {
                await accounts.ConfirmAsync(tenant, stop);
                Account = await accounts.GetAsync(tenant, stop);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // AWS does not answer. The page shows what it has.
        }
    }
}
