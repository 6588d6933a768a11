namespace Scalr.Byok.Kms.Kms;

/// <summary>The keys of one customer.</summary>
/// <param name="Current">The key that encrypts and decrypts.</param>
/// <param name="Previous">Keys that only decrypt.</param>
internal sealed record CustomerKeys(KmsKey Current, IReadOnlyList<KmsKey> Previous) : IDisposable
{
    public IEnumerable<KmsKey> All => [Current, .. Previous];

    public void Dispose()
    {
        foreach (var key in All)
        {
            key.Dispose();
        }
    }
}
