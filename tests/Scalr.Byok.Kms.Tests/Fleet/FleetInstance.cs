using Fleet.Demo;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.KeyRing;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>One instance of a host: its services, and the rings of its tenants.</summary>
internal sealed class FleetInstance : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public FleetInstance(
        FleetWorld fleet, TimeSpan clockError, Action<ByokOptions>? options, string[]? secrets, string type, bool isShared)
    {
        var services = fleet.World.Services(o =>
        {
            KeyUse.KeyUseWorld.Configure(o);
            o.AllowSharedKeys = true;
            o.Resilience.MaxSessionStartsPerSecond = int.MaxValue;
            options?.Invoke(o);
        });
        services.AddSingleton<TimeProvider>(new WrongClock(fleet.World.Clock, clockError));
        services.AddSingleton<IDistributedCache>(fleet.Cache);
        var builder = services.AddScalrByok().AddTenantKeyRings<TenantStore>();
        if (isShared)
        {
            builder.ShareConfirmations(o => o.Secrets = [.. secrets ?? [FleetWorld.Secret]]);
        }

        _services = fleet.World.Build(services);
        Store = (TenantStore)_services.GetRequiredService<IByokKeySettingsStore>();
        Store.Any = _ => fleet.Settings ?? fleet.World.Settings(type);
        Rings = _services.GetRequiredService<IByokKeyRingProvider>();
        Sharing = _services.GetService<FleetSharing>();
    }

    public TenantStore Store { get; }

    public IByokKeyRingProvider Rings { get; }

    public FleetSharing? Sharing { get; }

    public bool IsGone { get; private set; }

    public bool IsWorking => !IsGone && (((KeyRingProvider)Rings).Work.Running > 0 || Sharing?.Work.Running > 0
        || ((KeyRingProvider)Rings).InUse.Any(ring => TenantHost.Inner(ring.Ring)?.Keys.Work.Running > 0));

    public async Task<KeyAccess> AccessAsync(string tenant) => TenantHost.Inner(await Rings.GetKeyRingAsync(tenant)).Keys.Current;

    /// <summary>Uses a tenant's key.</summary>
    /// <returns>The error; null if there was none.</returns>
    public async Task<ByokException?> TryAsync(string tenant, byte[] message)
    {
        try
        {
            await (await Rings.GetKeyRingAsync(tenant)).DecryptAsync(message);
            return null;
        }
        catch (ByokException e)
        {
            return e;
        }
    }

    public async ValueTask DisposeAsync()
    {
        IsGone = true;
        await _services.DisposeAsync();
    }
}
