using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Fleet;

namespace Scalr.Byok.Kms.Events;

/// <summary>Instances that share what they have reported and queried (<c>ShareConfirmations</c>).</summary>
/// <remarks>
/// A cache that fails or loses entries costs repeats only. A report is noted after the observers have it, so an instance that ends before
/// loses no event. An entry opens only under a secret of the host and for its own event or key, so a replayed one suppresses nothing else.
/// The last event of a key tells a new change from a repeat where the ids do not.
/// </remarks>
internal sealed class SharedInstances : IEventFleet
{
    /// <summary>How long a report is remembered. An event with the same id does not come later than that.</summary>
    private static readonly TimeSpan ReportLifetime = TimeSpan.FromDays(1);

    private static readonly EntryKind[] Reports = [EntryKind.Reported];
    private static readonly EntryKind[] Queries = [EntryKind.Queried];

    private readonly FleetSharing _fleet;

    public SharedInstances(FleetSharing fleet) => _fleet = fleet;

    public async ValueTask<bool> MayReportAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken)
    {
        if (await _fleet.ReadAsync(SlotsOf(keyEvent), Reports).ConfigureAwait(false) is not { } reports)
        {
            return true;
        }

        var isReported = Array.Exists(reports, static entry => entry is not null);
        if (keyEvent.Kind == ByokKeyEventKind.Warned || await ReadLastAsync(keyEvent).ConfigureAwait(false) is not { } last)
        {
            return !isReported;
        }

        var start = StartOf(keyEvent);

        // Two instances that find one change give it different ids at the boundary of two windows. They find it at most an interval apart.
        if (last.Value == StateOf(keyEvent))
        {
            return !isReported && Math.Abs(start - last.Time) >= 2 * _fleet.Interval.Ticks;
        }

        // The fleet has reported another state since. An event that began after that one is a new change, although an earlier one in the
        // same window has its id.
        return !isReported || start > last.Time;
    }

    public async ValueTask ReportedAsync(ByokKeyEvent keyEvent, bool isTaken, CancellationToken cancellationToken)
    {
        if (isTaken)
        {
            await _fleet.WriteAsync(SlotsOf(keyEvent), EntryKind.Reported, _fleet.New(time: 0), ReportLifetime).ConfigureAwait(false);
        }

        if (keyEvent.Kind != ByokKeyEventKind.Warned)
        {
            // No state, if an observer lacks the event: then the others do not keep it back.
            var last = _fleet.New(StartOf(keyEvent), value: isTaken ? StateOf(keyEvent) : default);
            await _fleet.WriteAsync(LastOf(keyEvent), EntryKind.Reported, last, ReportLifetime).ConfigureAwait(false);
        }
    }

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

    /// <summary>The event about the key's state that the fleet reported last.</summary>
    private async Task<FleetEntry?> ReadLastAsync(ByokKeyEvent keyEvent) =>
        (await _fleet.ReadAsync(LastOf(keyEvent), Reports).ConfigureAwait(false))?.MaxBy(static entry => entry?.Time);

    /// <summary>The start by AWS's clock, since the clocks of instances differ. By the own clock before the first answer of AWS.</summary>
    private long StartOf(ByokKeyEvent keyEvent)
    {
        var clock = _fleet.Time.Clock;
        return _fleet.Time.About(clock.Now) is { } now
            ? now - (clock.Time.GetUtcNow() - keyEvent.Start).Ticks
            : keyEvent.Start.UtcTicks;
    }

    private static Guid StateOf(ByokKeyEvent keyEvent) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{keyEvent.Kind} {keyEvent.Code}")).AsSpan(0, 16));

    private FleetSharing.Slot[] SlotsOf(ByokKeyEvent keyEvent) => _fleet.SlotsOf("event", keyEvent.Id);

    private FleetSharing.Slot[] LastOf(ByokKeyEvent keyEvent) =>
        _fleet.SlotsOf("last event", keyEvent.Tenant, keyEvent.KeyRing, keyEvent.KeyArn.ToString());
}
