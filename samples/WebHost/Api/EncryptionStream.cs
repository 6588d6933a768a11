using System.Runtime.CompilerServices;
using WebHost.Accounts;
using WebHost.Moves;

namespace WebHost.Api;

/// <summary>What changes live on the encryption page, as server-sent events.</summary>
internal static class EncryptionStream
{
    public static void Map(WebApplication app) => app.MapGet(
        "/Encryption/Events",
        (
            HttpContext http, AccountStore accounts, MoveStore moves, MoveOptions options, IHostApplicationLifetime lifetime,
            CancellationToken stop) =>
        {
            var ended = CancellationTokenSource.CreateLinkedTokenSource(stop, lifetime.ApplicationStopping);
            http.Response.RegisterForDispose(ended);
            var states = ReadAsync(http.User.Tenant(), accounts, moves, options.PollInterval, ended.Token);
            return TypedResults.ServerSentEvents(states, "state");
        }).RequireAuthorization(SignedInAccount.Policy);

    private static async IAsyncEnumerable<EncryptionState> ReadAsync(
        string tenant, AccountStore accounts, MoveStore moves, TimeSpan interval,
        [EnumeratorCancellation] CancellationToken stop)
    {
        EncryptionState? last = null;
        using var timer = new PeriodicTimer(interval);
        while (await ReadNextAsync(tenant, accounts, moves, timer, isFirst: last is null, stop) is { } state)
        {
            if (state != last)
            {
                yield return last = state;
            }
        }
    }

    /// <summary>Null at the end: the browser has left the page, or the host stops.</summary>
    private static async Task<EncryptionState?> ReadNextAsync(
        string tenant, AccountStore accounts, MoveStore moves, PeriodicTimer timer, bool isFirst, CancellationToken stop)
    {
        try
        {
            if (!isFirst)
            {
                await timer.WaitForNextTickAsync(stop);
            }

            var account = await accounts.GetAsync(tenant, stop);
            var progress = account.Phase.IsMove() ? MoveProgress.Of(await moves.ListAsync(account.MoveId!.Value, stop)) : null;
            return new(account.Version, progress?.Total ?? 0, progress?.Processed ?? 0, progress is null ? "" : Texts.Of(progress));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private sealed record EncryptionState(long Version, long Total, long Processed, string Text);
}
