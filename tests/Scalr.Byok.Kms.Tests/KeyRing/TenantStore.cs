using System.Collections.Concurrent;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host's store of settings that counts how often it is asked; a test says what it answers.</summary>
internal sealed class TenantStore : IByokKeySettingsStore, IByokTenantRegistrations
{
    private readonly ConcurrentQueue<string> _asked = new();

    public ConcurrentDictionary<string, Func<CancellationToken, Task<ByokKeySettings?>>> Answers { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers for tenants that are not among <see cref="Answers"/>; those are not counted.</summary>
    public Func<string, ByokKeySettings>? Any { get; set; }

    public IReadOnlyCollection<string> Asked => _asked;

    /// <summary>Which tenant has registered which key or role.</summary>
    public ConcurrentDictionary<string, string> Registered { get; } = new(StringComparer.Ordinal);

    /// <summary>The keys and roles that were looked up.</summary>
    public ConcurrentQueue<string> LookedUp { get; } = new();

    /// <summary>Comes before a look-up.</summary>
    public Func<CancellationToken, Task> LookingUp { get; set; } = _ => Task.CompletedTask;

    public ByokKeySettings this[string tenant]
    {
        set => Answers[tenant] = _ => Task.FromResult<ByokKeySettings?>(value);
    }

    public int Count(string tenant) => _asked.Count(asked => asked == tenant);

    /// <summary>Stores settings and registers the keys and roles in them, as a host's form does.</summary>
    public void Register(string tenant, ByokKeySettings settings)
    {
        this[tenant] = settings;
        foreach (var resource in ByokTenantResources.Of(settings))
        {
            Registered[resource] = tenant;
        }
    }

    public async ValueTask<string?> FindTenantAsync(string resource, CancellationToken cancellationToken)
    {
        LookedUp.Enqueue(resource);
        await LookingUp(cancellationToken);
        return Registered.GetValueOrDefault(resource);
    }

    public async ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        if (Any is not null && !Answers.ContainsKey(tenant))
        {
            return Any(tenant);
        }

        _asked.Enqueue(tenant);
        return Answers.TryGetValue(tenant, out var answer) ? await answer(cancellationToken) : null;
    }
}
