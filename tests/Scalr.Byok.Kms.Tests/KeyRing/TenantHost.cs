using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host of many customers in a <see cref="ByokWorld"/>, and what is inside its rings.</summary>
internal sealed class TenantHost
{
    public TenantHost(ByokWorld world, Action<ByokOptions>? options = null, Action<IByokBuilder>? with = null)
    {
        world.TrustAllSubjects();
        var services = world.Services(options);
        var builder = services.AddScalrByok().AddTenantKeyRings<TenantStore>();
        with?.Invoke(builder);
        Services = world.Build(services);
        Store = (TenantStore)Services.GetRequiredService<IByokKeySettingsStore>();
        Rings = Services.GetRequiredService<IByokKeyRingProvider>();
    }

    public ServiceProvider Services { get; }

    public TenantStore Store { get; }

    public IByokKeyRingProvider Rings { get; }

    /// <summary>The tenants whose rings are in use.</summary>
    public IEnumerable<string> InUse => ((KeyRingProvider)Rings).InUse.Select(ring => ring.Tenant);

    public ValueTask<IByokKeyRing> GetAsync(string tenant) => Rings.GetKeyRingAsync(tenant);

    /// <summary>The ring that a handle used last.</summary>
    public static ByokKeyRing Inner(IByokKeyRing handle) => ((ForwardingKeyRing)handle).Last.Ring!;

    public static bool IsDisposed(ByokKeyRing ring) => ring.IsDisposed;

    /// <summary>The data keys that a ring's caches hold.</summary>
    public static IReadOnlyList<DataKey> CachedKeys(ByokKeyRing ring) => [.. ring.Keys.Cached];
}
