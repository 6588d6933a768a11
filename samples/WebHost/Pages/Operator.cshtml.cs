using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Accounts;
using WebHost.Events;
using WebHost.Moves;
using WebHost.Telemetry;

namespace WebHost.Pages;

/// <summary>What the operator of the host sees: all accounts, without any of their data.</summary>
/// <param name="accounts">The accounts.</param>
/// <param name="moves">The progress of moves.</param>
/// <param name="events">The events of keys.</param>
/// <param name="metrics">The library's metrics in this process.</param>
[Authorize(SignedInAccount.OperatorPolicy)]
public sealed class OperatorModel(AccountStore accounts, MoveStore moves, KeyEventStore events, KeyMetrics metrics) : PageModel
{
    /// <summary>The accounts.</summary>
    public List<Row> Rows { get; } = [];

    /// <summary>Calls to AWS, cache, circuit breakers and denials since this process started.</summary>
    public IEnumerable<(string Name, long Value)> Metrics => metrics.Sums;

    /// <summary>Shows all accounts.</summary>
    public async Task OnGetAsync(CancellationToken stop)
    {
        foreach (var account in await accounts.ListAsync(stop))
        {
            var progress = account.Phase.IsMove() ? MoveProgress.Of(await moves.ListAsync(account.MoveId!.Value, stop)) : null;
            Rows.Add(new(account, progress, (await events.ListAsync(account.Tenant, 1, stop)).FirstOrDefault()));
        }
    }

    /// <summary>One account.</summary>
    /// <param name="Account">The account.</param>
    /// <param name="Progress">The progress of its move; null if nothing moves.</param>
    /// <param name="Event">Its newest event; null if there is none.</param>
    public sealed record Row(Account Account, MoveProgress? Progress, StoredKeyEvent? Event);
}
