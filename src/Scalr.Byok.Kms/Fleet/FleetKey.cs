using System.Buffers.Binary;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Fleet;

/// <summary>What the instances of a host share about one wrapping key. Safe for concurrent use.</summary>
/// <remarks>
/// It only translates between entries and the clock of this instance. <see cref="DataKeys.KeyAccess"/> decides what an entry permits.
/// </remarks>
internal sealed class FleetKey
{
    /// <summary>How long "an instance is asking" is believed.</summary>
    private static readonly long AskingLifetime = TimeSpan.FromSeconds(5).Ticks;

    private readonly FleetSharing _fleet;
    private readonly FleetSharing.Slot[] _slots;

    // By kind: when this instance last wrote an entry, in ticks of AgeClock. Without a lock: at worst an entry is written twice.
    private readonly long[] _written = [.. Enumerable.Repeat(Moment.Never.Ticks, 8)];

    public FleetKey(FleetSharing fleet, FleetSharing.Slot[] slots)
    {
        _fleet = fleet;
        _slots = slots;
    }

    /// <summary>A number from 0 to 1 that is the same in all instances and differs from key to key.</summary>
    public double Position => BinaryPrimitives.ReadUInt32BigEndian(_slots[0].Id) / (double)uint.MaxValue;

    /// <summary>Reads what the fleet knows about an action.</summary>
    /// <param name="operation">An <see cref="AwsAction"/>.</param>
    /// <param name="lastRegion">An acceptance by a later Region does not count.</param>
    /// <returns>Null if the cache does not answer, or AWS's time is not known yet.</returns>
    public async Task<Found?> ReadAsync(string operation, int lastRegion)
    {
        var kind = KindOf(operation);
        var actions = kind == EntryKind.Encrypt ? FleetEntry.OfEncrypt : FleetEntry.OfDecrypt;
        return await ReadAsync([kind, EntryKind.Denial, EntryKind.Asking], actions, lastRegion).ConfigureAwait(false);
    }

    /// <summary>Reads what the fleet knows about the role. Only a denial of the key counts.</summary>
    /// <returns>As <see cref="ReadAsync(string, int)"/>.</returns>
    public Task<Found?> ReadSessionAsync() =>
        ReadAsync([EntryKind.Session, EntryKind.Denial], FleetEntry.OfEncrypt | FleetEntry.OfDecrypt, lastRegion: 0);

    /// <summary>Shares an acceptance of this instance, in the background.</summary>
    public void ShareAcceptance(string operation, int region, Moment sent) => Share(KindOf(operation), region, sent.Ticks);

    /// <summary>Shares that AWS STS granted this instance a session, in the background.</summary>
    public void ShareSession(Moment begun)
    {
        if (begun.Ticks > Volatile.Read(ref _written[(int)EntryKind.Session]))
        {
            Share(EntryKind.Session, region: 0, begun.Ticks);
        }
    }

    /// <summary>Shares a denial, in the background. Other instances take it as a hint to ask AWS.</summary>
    public void ShareDenial(bool ofEncrypt, bool ofDecrypt, int region, Moment arrived, ByokKeyUnavailableReason reason)
    {
        var actions = (ofEncrypt ? FleetEntry.OfEncrypt : 0) | (ofDecrypt ? FleetEntry.OfDecrypt : 0);
        if (_fleet.Time.About(arrived.Ticks) is { } time)
        {
            _fleet.Write(_slots, EntryKind.Denial, _fleet.New(time, (byte)actions, region, reason), _fleet.MaxAge);
        }
    }

    /// <summary>Tells the other instances that this one is asking AWS KMS, so that they wait a second if they can.</summary>
    public void ShareAsking()
    {
        if (_fleet.Time.About(_fleet.Time.Clock.Now) is { } time)
        {
            _fleet.Write(_slots, EntryKind.Asking, _fleet.New(time), new TimeSpan(2 * AskingLifetime));
        }
    }

    private static EntryKind KindOf(string operation) => operation == AwsAction.Encrypt ? EntryKind.Encrypt : EntryKind.Decrypt;

    private void Share(EntryKind kind, int region, long moment)
    {
        // Busy rings that reach AWS KMS with each call write once per tenth of the interval.
        ref var last = ref _written[(int)kind];
        if (moment - Volatile.Read(ref last) >= _fleet.Interval.Ticks / 10 && _fleet.Time.EarliestAt(moment) is { } time)
        {
            Volatile.Write(ref last, moment);
            _fleet.Write(_slots, kind, _fleet.New(time, region: region), _fleet.MaxAge);
        }
    }

    private async Task<Found?> ReadAsync(EntryKind[] kinds, int actions, int lastRegion)
    {
        if (_fleet.Time.LatestNow is null || await _fleet.ReadAsync(_slots, kinds).ConfigureAwait(false) is not { } entries)
        {
            return null;
        }

        // After the wait for the cache, so that its time counts.
        var now = _fleet.Time.Clock.Now;
        var latest = _fleet.Time.LatestNow.Value;
        var (accepted, denied, isAsked) = (Moment.Never.Ticks, Moment.Never.Ticks, false);
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i] is not { } entry || AgeOf(entry, latest) is not { } age)
            {
                continue;
            }

            switch (kinds[i % kinds.Length])
            {
                case EntryKind.Asking:
                    isAsked |= !_fleet.IsOwn(entry) && age - _fleet.Tolerance < AskingLifetime;
                    break;
                case EntryKind.Denial:
                    // A little later than it probably was: the hint may be wrong, and then costs one request.
                    denied = (entry.Actions & actions) == actions ? Math.Max(denied, now - age + Slack) : denied;
                    break;
                default:
                    // What this instance wrote, it knows.
                    accepted = _fleet.IsOwn(entry) || entry.Region > lastRegion ? accepted : Math.Max(accepted, now - age);
                    break;
            }
        }

        return new Found(accepted, denied, isAsked);
    }

    private long Slack => (2 * _fleet.Tolerance) + (4 * TimeSpan.TicksPerSecond);

    /// <summary>
    /// The age of an entry, never less than it is if AWS's clocks differ by at most the tolerance. Null if the entry is stale, or from the
    /// future.
    /// </summary>
    private long? AgeOf(in FleetEntry entry, long latest) =>
        _fleet.IsRecent(entry, latest, _fleet.MaxAge) ? latest - entry.Time + _fleet.Tolerance : null;

    /// <summary>What the entries say, in ticks of <see cref="AgeClock"/>.</summary>
    /// <param name="Accepted">
    /// The last acceptance, or the newest session's start; never later than it was. <see cref="Moment.Never"/> if there is none.
    /// </param>
    /// <param name="Denied">The last denial; rather later than it was. <see cref="Moment.Never"/> if there is none.</param>
    /// <param name="IsAsked">Whether another instance is asking AWS KMS now.</param>
    internal readonly record struct Found(long Accepted, long Denied, bool IsAsked);
}
