using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The pairs of an encryption context, decoded from its bytes at each use. A real dictionary takes several times the memory of the bytes,
/// and one would stay in memory for each cached data key.
/// </summary>
/// <param name="section">The header field, valid and sorted; must not change.</param>
internal sealed class ContextDictionary(byte[] section) : IReadOnlyDictionary<string, string>
{
    public int Count => ContextSection.Count(section);

    public IEnumerable<string> Keys => this.Select(static pair => pair.Key);

    public IEnumerable<string> Values => this.Select(static pair => pair.Value);

    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException();

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        foreach (var (name, found) in ContextSection.Decode(section))
        {
            if (name == key)
            {
                value = found;
                return true;
            }
        }

        value = null;
        return false;
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => ContextSection.Decode(section).AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
