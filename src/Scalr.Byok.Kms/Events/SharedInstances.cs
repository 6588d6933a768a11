using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Fleet;

namespace Scalr.Byok.Kms.Events;

/// <summary>Instances that share what they have reported and queried (<c>ShareConfirmations</c>).</summary>
/// <remarks>
/// A cache that fails or loses entries costs repeats only. A report is noted after the observers have it, so an instance that ends before
/// loses no event. An entry opens only under a secret of the host and for its own event or key, so a replayed one suppresses nothing else.
/// </remarks>
internal sealed class SharedInstances : IEventFleet
{
    /// <summary>How long a report is remembered. An event with the same id does not come later than that.</summary>
    private static readonly TimeSpan ReportLifetime = TimeSpan.FromDays(1);

    private static readonly EntryKind[] Reports = [EntryKind.Reported];
    private static readonly EntryKind[] Queries = [EntryKind.Queried];

    private readonly FleetSharing _fleet;

    public SharedInstances(FleetSharing fleet) => _fleet = fleet;

    public async ValueTask<bool> MayReportAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) =>
        await _fleet.ReadAsync(SlotsOf(keyEvent), Reports).ConfigureAwait(false) is not { } entries
        || !Array.Exists(entries, static entry => entry is not null);

    public async ValueTask ReportedAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) =>
        await _fleet.WriteAsync(SlotsOf(keyEvent), EntryKind.Reported, _fleet.New(time: 0), ReportLifetime).ConfigureAwait(false);

    public async ValueTask<bool> MayQueryAsync(
        RingOwner owner, KmsKeyArn key, TimeSpan interval, CancellationToken cancellationToken)
    {
        var slots = _fleet.SlotsOf("query", owner.IsTenant ? "tenant" : "ring", owner.Name, key.ToString());
        if (await _fleet.ReadAsync(slots, Queries).ConfigureAwait(false) is { } entries && _fleet.Time.LatestNow is { } now
            && Array.Exists(entries, entry => entry is { } query && !_fleet.IsOwn(query) && _fleet.IsRecent(query, now, interval)))
        {
            return false;
        }

        if (_fleet.Time.About(_fleet.Time.Clock.Now) is { } time)
        {
            await _fleet.WriteAsync(slots, EntryKind.Queried, _fleet.New(time), interval).ConfigureAwait(false);
        }

        return true;
    }

    private FleetSharing.Slot[] SlotsOf(ByokKeyEvent keyEvent) => _fleet.SlotsOf("event", keyEvent.Id);
}
