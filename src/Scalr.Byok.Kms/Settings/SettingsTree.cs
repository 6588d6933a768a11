using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Scalr.Byok.Kms.Settings;

/// <summary>A read-only copy of a configuration section, with only the values of the right shape.</summary>
internal sealed class SettingsTree : IConfigurationSection
{
    private const string ReadOnly = "This copy of the configuration is read-only.";

    private readonly string? _value;
    private readonly IReadOnlyList<SettingsTree> _children;

    public SettingsTree(string path, string? value, IReadOnlyList<SettingsTree> children)
    {
        Path = path;
        _value = value;
        _children = children;
    }

    public string Key => ConfigurationPath.GetSectionKey(Path) ?? "";

    public string Path { get; }

    public string? Value
    {
        get => _value;
        set => throw new NotSupportedException(ReadOnly);
    }

    public string? this[string key]
    {
        get => GetSection(key).Value;
        set => throw new NotSupportedException(ReadOnly);
    }

    public IConfigurationSection GetSection(string key)
    {
        IConfigurationSection found = this;
        foreach (var part in key.Split(ConfigurationPath.KeyDelimiter))
        {
            found = found.GetChildren().FirstOrDefault(child => string.Equals(child.Key, part, StringComparison.OrdinalIgnoreCase))
                ?? new SettingsTree(ConfigurationPath.Combine(found.Path, part), null, []);
        }

        return found;
    }

    public IEnumerable<IConfigurationSection> GetChildren() => _children;

    public IChangeToken GetReloadToken() => new CancellationChangeToken(CancellationToken.None);
}
