using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// The rings of all tenants in use. The first call creates a ring from the store. A ring is retired when it is idle or its settings have
/// changed.
/// </summary>
/// <remarks>Keeps no state of a tenant without a ring. <see cref="LeasedRing"/> decides when a ring is disposed.</remarks>
internal sealed class KeyRingProvider : IByokKeyRingProvider, IDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly IByokKeySettingsStore _store;
    private readonly KeySettingsValidator _validator;
    private readonly TenantOwnership _ownership;
    private readonly PlatformKey _platform;
    private readonly KeyRingFactory _factory;
    private readonly TimeSpan _idleTimeout;
    private readonly TimeProvider _time;
    private readonly TenantNames _names;
    private readonly ILogger _logger;
    private readonly FleetSharing? _fleet;
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<string, LeasedRing> _rings = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _disposed = new();
    private readonly SharedWork _work;
    private int _armed;

    /// <param name="store">The host's store of settings.</param>
    /// <param name="validator">Validates the settings of the store.</param>
    /// <param name="ownership">Checks that keys and roles belong to the tenant.</param>
    /// <param name="platform">The host's own key.</param>
    /// <param name="factory">Creates rings.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="time">The clock for idle times.</param>
    /// <param name="names">Decides which names mean the same tenant.</param>
    /// <param name="logger">The log.</param>
    /// <param name="fleet">What instances share; null if nothing.</param>
    public KeyRingProvider(
        IByokKeySettingsStore store,
        KeySettingsValidator validator,
        TenantOwnership ownership,
        PlatformKey platform,
        KeyRingFactory factory,
        IOptions<ByokOptions> options,
        TimeProvider time,
        TenantNames names,
        ILogger logger,
        FleetSharing? fleet)
    {
        _fleet = fleet;
        _ownership = ownership;
        _platform = platform;
        _names = names;
        _store = store;
        _validator = validator;
        _factory = factory;
        _idleTimeout = options.Value.KeyRingIdleTimeout;
        _time = time;
        _work = new SharedWork(_disposed.Token);
        _logger = logger;
        _timer = time.CreateTimer(
            static provider => ((KeyRingProvider)provider!).EvictIdle(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The rings in use, by tenant.</summary>
    public IEnumerable<(string Tenant, IByokKeyRing Ring)> InUse =>
        _rings.Where(pair => pair.Value.IsInUse).Select(pair => (pair.Key, (IByokKeyRing)pair.Value.Handle!));

    /// <summary>What runs in the background: reads of the store, and what concerns the fleet.</summary>
    public SharedWork Work => _work;

    public async ValueTask<IByokKeyRing> GetKeyRingAsync(string tenant, CancellationToken cancellationToken = default)
    {
        using var lease = await LeaseAsync(Canonical(tenant), last: null, cancellationToken).ConfigureAwait(false);
        return lease.Owner.Handle!;
    }

    // In the background: this method does not wait for the cache. A failure is logged.
    public void Invalidate(string tenant) => _ = InvalidateAsync(tenant);

    /// <summary>Discards a tenant's settings here, and then in the other instances.</summary>
    /// <returns>Whether the other instances have been notified. The method itself throws if the arguments are wrong.</returns>
    public Task<bool> InvalidateAsync(string tenant)
    {
        var canonical = Canonical(tenant);
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRingProvider));
        if (_rings.TryRemove(canonical, out var ring))
        {
            ring.Retire();
        }

        return _fleet is null ? Task.FromResult(false) : _work.Start(() => PublishAsync(_fleet, canonical));
    }

    public void Dispose()
    {
        _disposed.Cancel();
        _timer.Dispose();
        foreach (var (tenant, ring) in _rings)
        {
            Remove(tenant, ring);
            ring.Close(nameof(IByokKeyRingProvider));
        }
    }

    /// <summary>Leases the tenant's current ring for one call.</summary>
    /// <param name="tenant">The canonical name of the tenant.</param>
    /// <param name="last">The ring that the caller used last, which probably still is the current one.</param>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    public async ValueTask<RingLease> LeaseAsync(string tenant, LeasedRing? last, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRingProvider));
        cancellationToken.ThrowIfCancellationRequested();
        var owner = last is not null && TryEnter(tenant, last) ? last : Enter(tenant);
        try
        {
            var lease = new RingLease(owner, await owner.GetAsync(cancellationToken).ConfigureAwait(false));
            if (owner.Fleet is not { IsDue: true } fleet
                || !await FollowAsync(tenant, owner, fleet, cancellationToken).ConfigureAwait(false))
            {
                return lease;
            }
        }
        catch
        {
            owner.Exit(isUse: false);
            throw;
        }

        // The settings have changed. The new ring's are recent, so this ends.
        owner.Exit(isUse: false);
        return await LeaseAsync(tenant, last: null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Reads a tenant's settings again because AWS has rejected the credentials of its ring. Concurrent calls share one read. There is at
    /// most one per 5 seconds.
    /// </summary>
    /// <param name="tenant">The canonical name of the tenant.</param>
    /// <param name="denied">The ring.</param>
    /// <param name="cancellationToken">Ends the wait, which lasts at most 5 seconds.</param>
    /// <returns>Whether the ring is no longer the current one, so that the call can be tried again.</returns>
    /// <exception cref="ByokTenantNotFoundException">The store no longer has settings for the tenant. The ring is retired.</exception>
    public async ValueTask<bool> RefreshAsync(string tenant, LeasedRing denied, CancellationToken cancellationToken) =>
        !_disposed.IsCancellationRequested
        && (!IsPresent(tenant, denied)
            || await denied.ReadsOn(_work).Join(() => ReadAgainAsync(tenant, denied, isDenied: true))
                .WaitAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>The tenant's ring; null if there is none.</summary>
    public LeasedRing? FindRing(string tenant) => _rings.TryGetValue(tenant, out var ring) && ring.IsInUse ? ring : null;

    private bool IsPresent(string tenant, LeasedRing ring) => _rings.TryGetValue(tenant, out var present) && ReferenceEquals(present, ring);

    private LeasedRing Enter(string tenant)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRingProvider));
            if (!_rings.TryGetValue(tenant, out var ring))
            {
                var added = WithHandle(tenant, new LeasedRing(_time));
                added.TryEnter(); // before another thread can see the ring, so that it cannot be retired before its first caller has it

                // If another thread has added a ring, this one is dropped unused, and the loop enters the other.
                if (_rings.TryAdd(tenant, added))
                {
                    Arm();

                    // On the thread pool: a store that blocks must not hold the caller's thread.
                    _ = _work.Start(() => MakeAsync(tenant, added));
                    return added;
                }
            }
            else if (TryEnter(tenant, ring))
            {
                return ring;
            }
        }
    }

    private LeasedRing WithHandle(string tenant, LeasedRing ring)
    {
        ring.Handle = new ForwardingKeyRing(new TenantSource(this, tenant, ring));
        return ring;
    }

    private bool TryEnter(string tenant, LeasedRing ring)
    {
        if (!ring.RetireIfIdle(_idleTimeout) && ring.TryEnter())
        {
            return true;
        }

        Remove(tenant, ring);
        return false;
    }

    private async Task MakeAsync(string tenant, LeasedRing owner)
    {
        try
        {
            _disposed.Token.ThrowIfCancellationRequested();
            owner.Fleet = await BeginReadAsync(tenant).ConfigureAwait(false);
            var settings = await ReadAsync(tenant).ConfigureAwait(false);
            owner.Complete(_factory.Create(settings, RingOwner.OfTenant(tenant), _names), SettingsIdentity.Of(settings));
        }
        catch (Exception e)
        {
            Remove(tenant, owner); // first, so that a caller that gets the failure and calls again reads the store
            var isDisposed = e is OperationCanceledException && _disposed.IsCancellationRequested;
            owner.Fail(isDisposed ? new ObjectDisposedException(nameof(IByokKeyRingProvider)) : e);
            return;
        }

        if (_disposed.IsCancellationRequested)
        {
            owner.Close(nameof(IByokKeyRingProvider)); // Dispose may have run before the ring was complete
        }
    }

    /// <summary>Reads and checks the tenant's settings in the store. The platform key stands where the store named it.</summary>
    /// <exception cref="ByokTenantNotFoundException">There are none.</exception>
    /// <exception cref="OptionsValidationException">They are invalid, or a key or role belongs to another tenant.</exception>
    private async Task<ByokKeySettings> ReadAsync(string tenant)
    {
        var settings = await _store.FindAsync(tenant, _disposed.Token).ConfigureAwait(false)
            ?? throw new ByokTenantNotFoundException(tenant);
        if (_validator.FindStoredErrors(settings) is { Count: > 0 } errors)
        {
            throw new OptionsValidationException(tenant, typeof(ByokKeySettings), errors);
        }

        // Trust boundary: the customer typed these settings. No ring is created, and nothing is sent to AWS, before this check.
        await _ownership.DemandAsync(settings, tenant, _disposed.Token).ConfigureAwait(false);

        // Only here, and only where the store named it: no error, no missing tenant and no denial leads to the platform key.
        return _platform.Complete(settings);
    }

    private async Task<FleetSettings?> BeginReadAsync(string tenant) =>
        _fleet is null ? null : await FleetSettings.BeginAsync(_fleet, tenant, _work).ConfigureAwait(false);

    private async Task<bool> PublishAsync(FleetSharing fleet, string tenant)
    {
        var isPublished = await fleet.TenantOf(tenant).PublishAsync().ConfigureAwait(false);
        if (!isPublished)
        {
            _logger.VersionNotPublished();
        }

        return isPublished;
    }

    /// <summary>
    /// Reads the fleet's version of the settings, and the store if the version has changed or the settings expire soon. Waits only if that
    /// is overdue.
    /// </summary>
    /// <returns>Whether the ring is no longer the current one.</returns>
    private async ValueTask<bool> FollowAsync(
        string tenant, LeasedRing ring, FleetSettings settings, CancellationToken cancellationToken)
    {
        var isOverdue = settings.IsOverdue;
        var following = settings.Following.Join(_ => FollowOnceAsync(tenant, ring, settings));
        return isOverdue && await following.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> FollowOnceAsync(string tenant, LeasedRing ring, FleetSettings settings)
    {
        if (!IsPresent(tenant, ring))
        {
            return true;
        }

        var began = settings.Now;
        var versions = await settings.ReadVersionsAsync().ConfigureAwait(false);

        // At most two reads: the first may have been under way when the version changed.
        for (var round = 0; round < 2 && (settings.HasChanged(versions) || settings.AreOld); round++)
        {
            if (await ring.ReadsOn(_work).Join(() => ReadAgainAsync(tenant, ring, isDenied: false), isDue: true).ConfigureAwait(false))
            {
                return true;
            }
        }

        if (settings.HasChanged(versions) || settings.AreOld)
        {
            settings.Postpone();
        }
        else if (versions is null)
        {
            settings.Repeat();
        }
        else
        {
            settings.Schedule(began);
        }

        return false;
    }

    /// <summary>Replaces a ring if the settings in the store differ.</summary>
    private async Task<bool> ReadAgainAsync(string tenant, LeasedRing denied, bool isDenied)
    {
        LeasedRing next;
        try
        {
            var fleet = await BeginReadAsync(tenant).ConfigureAwait(false);
            var settings = await ReadAsync(tenant).ConfigureAwait(false);
            var identity = SettingsIdentity.Of(settings);

            // The store still has the same settings. A new ring would change nothing.
            if (identity.Equals(denied.Identity))
            {
                denied.Fleet?.Renew(fleet!);
                return false;
            }

            next = WithHandle(tenant, new LeasedRing(_factory.Create(settings, RingOwner.OfTenant(tenant), _names), identity, _time));
            next.ContinueReadsOf(denied);
            next.Fleet = fleet;
        }
        catch (ByokTenantNotFoundException)
        {
            // The customer no longer exists, so nothing may be used under the old settings.
            Remove(tenant, denied);
            denied.Retire();
            throw;
        }
        catch (Exception e)
        {
            if (!_disposed.IsCancellationRequested)
            {
                // The caller gets AWS's denial. The text of the store's exception may contain secrets, so only its type is logged.
                var errors = e is OptionsValidationException invalid ? string.Join(" ", invalid.Failures) : e.GetType().Name;
                if (isDenied)
                {
                    _logger.TenantSettingsNotUsed(denied.KeyArn, errors);
                }
                else
                {
                    _logger.TenantSettingsNotReloaded(denied.KeyArn, errors);
                }
            }

            return false;
        }

        if (!_rings.TryUpdate(tenant, next, denied))
        {
            next.Retire(); // invalidated in between: the next call reads the store
            return true;
        }

        if (isDenied)
        {
            _logger.TenantSettingsChanged(denied.KeyArn);
        }
        else
        {
            _logger.TenantSettingsReloaded(denied.KeyArn);
        }

        // After the replacement: a call that finds this ring retired finds the new one in its place.
        denied.Retire();
        if (_disposed.IsCancellationRequested)
        {
            next.Close(nameof(IByokKeyRingProvider)); // Dispose may have run before the ring was added
        }

        return true;
    }

    // Removes this very ring only: another thread may already have added its successor.
    private void Remove(string tenant, LeasedRing ring) => _rings.TryRemove(new KeyValuePair<string, LeasedRing>(tenant, ring));

    private void EvictIdle()
    {
        // Cleared first: a ring that is added during the sweep starts the timer again.
        Interlocked.Exchange(ref _armed, 0);
        foreach (var (tenant, ring) in _rings)
        {
            if (ring.RetireIfIdle(_idleTimeout))
            {
                Remove(tenant, ring);
            }
        }

        if (!_rings.IsEmpty)
        {
            Arm();
        }
    }

    private void Arm()
    {
        if (Interlocked.Exchange(ref _armed, 1) == 0 && !_disposed.IsCancellationRequested)
        {
            _timer.Change(SweepInterval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The name of the tenant in rings, messages and the store.</summary>
    private string Canonical(string tenant) => _names.Checked(tenant, nameof(tenant));
}
