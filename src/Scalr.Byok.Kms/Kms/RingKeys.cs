namespace Scalr.Byok.Kms.Kms;

/// <summary>The keys of one customer: one that encrypts, its replicas in other Regions, and those that may still decrypt.</summary>
internal sealed class RingKeys : IDisposable
{
    public RingKeys(WrappingKey current, IReadOnlyList<WrappingKey> replicas, IReadOnlyList<WrappingKey> previous)
    {
        Current = current;
        Replicas = replicas;
        Previous = previous;
    }

    public WrappingKey Current { get; }

    public IReadOnlyList<WrappingKey> Replicas { get; }

    public IReadOnlyList<WrappingKey> Previous { get; }

    public void Dispose()
    {
        foreach (var key in (IEnumerable<WrappingKey>)[Current, .. Replicas, .. Previous])
        {
            key.Dispose();
        }
    }
}
