using System.Collections.Concurrent;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host's store of settings that counts how often it is asked; a test says what it answers.</summary>
internal sealed class TenantStore : IByokKeySettingsStore
{
    private readonly ConcurrentQueue<string> _asked = new();

    public ConcurrentDictionary<string, Func<CancellationToken, Task<ByokKeySettings?>>> Answers { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers for tenants that are not among <see cref="Answers"/>; those are not counted.</summary>
    public Func<string, ByokKeySettings>? Any { get; set; }

    public IReadOnlyCollection<string> Asked => _asked;

    public ByokKeySettings this[string tenant]
    {
        set => Answers[tenant] = _ => Task.FromResult<ByokKeySettings?>(value);
    }

    public int Count(string tenant) => _asked.Count(asked => asked == tenant);

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
