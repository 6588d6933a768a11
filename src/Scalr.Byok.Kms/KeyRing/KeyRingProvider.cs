using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The rings of all tenants that are in use, each made from the store by the first call and retired when it is idle or its settings have changed.</summary>
/// <remarks>Holds nothing of a tenant whose ring is not there. <see cref="TenantRing"/> knows when a ring can be disposed.</remarks>
internal sealed class KeyRingProvider : IByokKeyRingProvider, IDisposable
{
    private const int LongestTenant = 1000;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly IByokKeySettingsStore _store;
    private readonly KeySettingsValidator _validator;
    private readonly KeyRingFactory _factory;
    private readonly TimeSpan _idleTimeout;
    private readonly TimeProvider _time;
    private readonly TenantNames _names;
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<string, TenantRing> _rings = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _disposed = new();
    private int _armed;

    /// <param name="store">The host's store of settings.</param>
    /// <param name="validator">Checks what comes from it.</param>
    /// <param name="factory">Makes rings.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="time">The clock that rings are idle by.</param>
    /// <param name="names">Which names mean one tenant.</param>
    public KeyRingProvider(
        IByokKeySettingsStore store, KeySettingsValidator validator, KeyRingFactory factory, IOptions<ByokOptions> options, TimeProvider time, TenantNames names)
    {
        _names = names;
        _store = store;
        _validator = validator;
        _factory = factory;
        _idleTimeout = options.Value.KeyRingIdleTimeout;
        _time = time;
        _timer = time.CreateTimer(static provider => ((KeyRingProvider)provider!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The rings that are in use, by tenant.</summary>
    public IEnumerable<(string Tenant, IByokKeyRing Ring)> InUse =>
        _rings.Where(pair => pair.Value.IsInUse).Select(pair => (pair.Key, (IByokKeyRing)pair.Value.Handle));

    public async ValueTask<IByokKeyRing> GetKeyRingAsync(string tenant, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(Canonical(tenant), last: null, cancellationToken).ConfigureAwait(false);
        return use.Owner.Handle;
    }

    public void Invalidate(string tenant)
    {
        var canonical = Canonical(tenant);
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRingProvider));
        if (_rings.TryRemove(canonical, out var ring))
        {
            ring.Retire();
        }
    }

    public void Dispose()
    {
        _disposed.Cancel();
        _timer.Dispose();
        foreach (var (tenant, ring) in _rings)
        {
            Remove(tenant, ring);
            ring.Close();
        }
    }

    /// <summary>The tenant's present ring for one call.</summary>
    /// <param name="tenant">The tenant; its canonical name.</param>
    /// <param name="last">The ring that the caller used last, which probably is still good.</param>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    public async ValueTask<TenantUse> UseAsync(string tenant, TenantRing? last, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRingProvider));
        cancellationToken.ThrowIfCancellationRequested();
        var owner = last is not null && TryEnter(tenant, last) ? last : Enter(tenant);
        try
        {
            return new TenantUse(owner, await owner.GetAsync(cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            owner.Exit(isUse: false);
            throw;
        }
    }

    /// <summary>The tenant's ring, if it is there.</summary>
    public TenantRing? FindRing(string tenant) => _rings.TryGetValue(tenant, out var ring) && ring.IsInUse ? ring : null;

    private TenantRing Enter(string tenant)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRingProvider));
            if (!_rings.TryGetValue(tenant, out var ring))
            {
                var added = new TenantRing(this, tenant, _time);
                added.TryEnter(); // before anybody can see it, so that its first caller gets it, whatever comes between
                if (_rings.TryAdd(tenant, added))
                {
                    Arm();

                    // Also off the thread, which a store that blocks would hold.
                    _ = SharedWork.Start(() => MakeAsync(tenant, added));
                    return added;
                }
            }
            else if (TryEnter(tenant, ring))
            {
                return ring;
            }
        }
    }

    private bool TryEnter(string tenant, TenantRing ring)
    {
        if (!ring.RetireIfIdle(_idleTimeout) && ring.TryEnter())
        {
            return true;
        }

        Remove(tenant, ring);
        return false;
    }

    private async Task MakeAsync(string tenant, TenantRing owner)
    {
        try
        {
            _disposed.Token.ThrowIfCancellationRequested();
            var settings = await _store.FindAsync(tenant, _disposed.Token).ConfigureAwait(false) ?? throw new ByokTenantNotFoundException(tenant);
            if (_validator.Validate(name: null, settings) is { Failed: true } complaints)
            {
                throw new OptionsValidationException(tenant, typeof(ByokKeySettings), complaints.Failures);
            }

            owner.Complete(_factory.Create(settings, tenant, _names));
        }
        catch (Exception e)
        {
            Remove(tenant, owner); // first, so that whoever has seen the failure and asks again does ask the store
            owner.Fail(e is OperationCanceledException && _disposed.IsCancellationRequested ? new ObjectDisposedException(nameof(IByokKeyRingProvider)) : e);
            return;
        }

        if (_disposed.IsCancellationRequested)
        {
            owner.Close(); // Dispose may not have seen it
        }
    }

    private void Remove(string tenant, TenantRing ring) => _rings.TryRemove(new KeyValuePair<string, TenantRing>(tenant, ring));

    private void Sweep()
    {
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

    /// <summary>The name that the tenant has in rings, messages and the store.</summary>
    private string Canonical(string tenant)
    {
        ThrowUnlessTenant(tenant);
        var canonical = _names.Canonical(tenant);
        if (!ReferenceEquals(canonical, tenant))
        {
            ThrowUnlessTenant(canonical);
        }

        return canonical;
    }

    private static void ThrowUnlessTenant(string tenant)
    {
        ArgumentException.ThrowIfNullOrEmpty(tenant);
        if (tenant.Length > LongestTenant)
        {
            throw new ArgumentException($"The tenant's name has more than {LongestTenant} characters.", nameof(tenant));
        }

        if (ContextSection.Measure(tenant) is null)
        {
            throw new ArgumentException("The tenant's name is not valid Unicode: it has half a surrogate pair.", nameof(tenant));
        }
    }
}
