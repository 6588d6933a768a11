namespace Scalr.Byok.Kms.Credentials;

/// <summary>The strategies there are, by type. One that a host added takes the place of a built-in one of the same type.</summary>
internal sealed class CredentialStrategies
{
    private readonly Dictionary<string, IByokCredentialStrategy> _byType = new(StringComparer.OrdinalIgnoreCase);

    public CredentialStrategies(IEnumerable<IByokCredentialStrategy> strategies)
    {
        foreach (var strategy in strategies)
        {
            _byType[strategy.Type] = strategy;
        }
    }

    public IEnumerable<string> Types => _byType.Keys;

    public IByokCredentialStrategy? Find(string? type) => type is null ? null : _byType.GetValueOrDefault(type);
}
