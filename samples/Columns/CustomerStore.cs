using System.Collections.Concurrent;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>What the customers typed. In memory here; a host keeps it in its database, encrypted under a key of its own.</summary>
public sealed class CustomerStore : IByokKeySettingsStore
{
    private readonly ConcurrentDictionary<string, ByokKeySettings> _settings = new();

    /// <summary>Stores a tenant's settings. <see cref="IByokKeyRingProvider.Invalidate"/> comes next, in every process of the host.</summary>
    public void Set(string tenant, ByokKeySettings settings) => _settings[tenant] = settings;

    /// <inheritdoc/>
    public ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken) => ValueTask.FromResult(_settings.GetValueOrDefault(tenant));
}
