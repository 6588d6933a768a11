namespace Scalr.Byok.Kms.Credentials;

/// <summary>The strategies by type. A strategy of the host replaces a built-in one of the same type.</summary>
internal sealed class CredentialStrategies
{
    private readonly Dictionary<string, IByokCredentialStrategy> _byType = new(StringComparer.OrdinalIgnoreCase);

    public CredentialStrategies(IEnumerable<IByokCredentialStrategy> strategies)
    {
        foreach (var strategy in strategies)
        {
            // A strategy of this type would be open to each customer. Its name belongs to AddPlatformKey.
            if (ByokCredentialSettings.HostType.Equals(strategy.Type, StringComparison.OrdinalIgnoreCase))
            {
                throw new InvalidOperationException(
                    $"The credentials type {ByokCredentialSettings.HostType} is reserved for AddPlatformKey. Give the strategy "
                    + $"{strategy.GetType().Name} another {nameof(strategy.Type)}.");
            }

            _byType[strategy.Type] = strategy;
        }
    }

    public IEnumerable<string> Types => _byType.Keys;

    public IByokCredentialStrategy? Find(string? type) => type is null ? null : _byType.GetValueOrDefault(type);
}
