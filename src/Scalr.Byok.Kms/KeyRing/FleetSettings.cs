using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// How recent the settings of one tenant's ring are: when the fleet's version of them was read, and when the store. Safe for concurrent
/// use.
/// </summary>
/// <remarks>
/// The version is read at least once per ConfirmationInterval of use, and the store once per MaxAge. Busy rings read ahead of time, in the
/// background. A call that finds one of them overdue waits.
/// </remarks>
internal sealed class FleetSettings
{
    /// <summary>The share of MaxAge from which the store is read in the background.</summary>
    private const double Ahead = 0.75;

    /// <summary>The share of the interval from which the version is read in the background. A failed read can be repeated.</summary>
    private const double VersionAhead = 0.6;

    /// <summary>The share of the interval after which a read that failed is repeated. The cache has pauses of its own.</summary>
    private const double Again = 0.05;

    /// <summary>The pause after a read of the store that failed.</summary>
    private static readonly long Pause = TimeSpan.FromSeconds(5).Ticks;

    private readonly FleetTenant _tenant;
    private readonly AgeClock _clock;
    private readonly long _interval;
    private readonly long _maxAge;

    // Each is replaced as a whole. Two reads at the same time leave the older or the newer one; either is right. The versions are null if
    // the cache did not answer: any version is then another one.
    private Guid?[]? _versions;
    private long _read;
    private long _due;
    private long _overdue;

    private FleetSettings(FleetSharing fleet, FleetTenant tenant, SharedWork work, long now, Guid?[]? versions)
    {
        _tenant = tenant;
        _clock = fleet.Time.Clock;
        _interval = fleet.Interval.Ticks;
        _maxAge = fleet.MaxAge.Ticks;
        _versions = versions;
        _read = now;
        Following = new SingleFlight<bool>(work);
        Schedule(now);
    }

    /// <summary>The check under way.</summary>
    public SingleFlight<bool> Following { get; }

    /// <summary>Whether the version or the store should be read again.</summary>
    public bool IsDue => _clock.Now >= Volatile.Read(ref _due);

    /// <summary>Whether a call must wait for that.</summary>
    public bool IsOverdue => _clock.Now >= Volatile.Read(ref _overdue);

    /// <summary>Whether the settings expire soon, so that the store is read whatever the version is.</summary>
    public bool AreOld => _clock.Now - Volatile.Read(ref _read) >= _maxAge * Ahead;

    /// <summary>Reads the version. Called before the store is read: a later change of the settings then has another version.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="tenant">The canonical name of the tenant.</param>
    /// <param name="work">Runs the checks.</param>
    public static async Task<FleetSettings> BeginAsync(FleetSharing fleet, string tenant, SharedWork work)
    {
        var now = fleet.Time.Clock.Now;
        var versions = fleet.TenantOf(tenant);
        return new FleetSettings(fleet, versions, work, now, await versions.ReadAsync().ConfigureAwait(false));
    }

    public Task<Guid?[]?> ReadVersionsAsync() => _tenant.ReadAsync();

    /// <summary>Whether a version is there that was not there when the store was read. A missing version changes nothing.</summary>
    public bool HasChanged(Guid?[]? versions)
    {
        var known = Volatile.Read(ref _versions);
        return versions is not null && versions.Where((version, i) => version is not null && version != known?[i]).Any();
    }

    /// <summary>The store was read again, and has the same settings.</summary>
    public void Renew(FleetSettings read)
    {
        Volatile.Write(ref _versions, read._versions);
        Volatile.Write(ref _read, read._read);
    }

    /// <summary>Sets the time of the next check.</summary>
    /// <param name="began">When this one began.</param>
    public void Schedule(long began)
    {
        Volatile.Write(ref _overdue, Math.Min(began + _interval, _read + _maxAge));
        Volatile.Write(ref _due, Math.Min(began + (long)(_interval * VersionAhead), _read + (long)(_maxAge * Ahead)));
    }

    /// <summary>The cache did not answer. What is overdue stays so.</summary>
    public void Repeat() => Volatile.Write(ref _due, _clock.Now + (long)(_interval * Again));

    /// <summary>The store could not be read. The settings stay overdue, but calls wait once per pause only.</summary>
    public void Postpone() => Volatile.Write(ref _due, _clock.Now + Pause);

    /// <summary>The moment at which a check begins.</summary>
    public long Now => _clock.Now;
}
