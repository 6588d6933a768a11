using System.Collections.ObjectModel;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The pairs a message is bound to, checked once and never changed. Held as the bytes that go into the header, sorted, each key
/// once; so two contexts with the same pairs have the same <see cref="Section"/>, however they came about.
/// </summary>
internal sealed class EncryptionContext : IEquatable<EncryptionContext>
{
    /// <summary>The context of no pairs: a length of zero and no count.</summary>
    public static readonly EncryptionContext Empty = new([0, 0]);

    /// <summary>The longest context that is written, count and pairs together. The format allows 65,535; AWS's SDK for Java does not read that.</summary>
    public const int MaxLength = short.MaxValue;

    /// <summary>Keys that begin so belong to the format.</summary>
    public const string ReservedPrefix = "aws-crypto-";

    /// <summary>The key whose value is the tenant, in messages of rings that are bound to one.</summary>
    public const string TenantKey = "scalr:tenant";

    /// <summary>The key whose value tells that a message holds a data key, so that no other message of 32 bytes is taken for one.</summary>
    public const string PurposeKey = "scalr:purpose";

    /// <summary>The value for messages that hold a data key.</summary>
    public const string DataKeyPurpose = "data-key";

    private readonly byte[] _section;

    private EncryptionContext(byte[] section) => _section = section;

    /// <summary>The header field, as <see cref="ContextSection"/> describes it.</summary>
    public ReadOnlyMemory<byte> Section => _section;

    /// <summary>The pairs as strings; decoded when first asked for.</summary>
    public IReadOnlyDictionary<string, string> Pairs => field ??= ToDictionary();

    /// <summary>The context of a caller, for a new message.</summary>
    /// <param name="pairs">The caller's pairs; null and none are the same.</param>
    /// <param name="parameterName">What the caller calls them.</param>
    /// <param name="bound">Pairs that are added, and that are not the caller's to give.</param>
    /// <exception cref="ArgumentException">A pair, or all of them together, cannot be written.</exception>
    public static EncryptionContext Create(
        IReadOnlyDictionary<string, string>? pairs, string parameterName, params ReadOnlySpan<KeyValuePair<string, string>> bound) =>
        Create(pairs, parameterName, reservedKeys: false, bound);

    /// <summary>The pairs that a caller wants to see in a message, which may be those that the format has put there.</summary>
    /// <param name="pairs">The caller's pairs; null and none are the same.</param>
    /// <param name="parameterName">What the caller calls them.</param>
    /// <exception cref="ArgumentException">A pair, or all of them together, cannot be in a message.</exception>
    public static EncryptionContext CreateExpected(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        Create(pairs, parameterName, reservedKeys: true, bound: []);

    /// <summary>The context of a message; false if the bytes are not exactly one well-formed context.</summary>
    /// <param name="section">The header field with its length.</param>
    /// <param name="context">The context, empty if the answer is false.</param>
    public static bool TryParse(ReadOnlySpan<byte> section, out EncryptionContext context)
    {
        context = Empty;
        if (!ContextSection.Check(section, out int count, out bool ascending))
        {
            return false;
        }

        if (count == 0)
        {
            return true; // with or without its count: old writers wrote one
        }

        if (ascending)
        {
            context = new EncryptionContext(section.ToArray());
            return true;
        }

        // No SDK insists on the order, so messages in another exist. What is authenticated stays the header as received.
        KeyValuePair<string, string>[] pairs = ContextSection.Decode(section);
        if (!ContextSection.TrySort(pairs))
        {
            return false;
        }

        context = new EncryptionContext(ContextSection.Write(pairs));
        return true;
    }

    /// <summary>Whether every given pair is here, with the same value.</summary>
    public bool Contains(EncryptionContext given)
    {
        // Both are sorted: one walk along both.
        ContextPairs mine = ContextSection.Pairs(_section);
        ContextPairs wanted = ContextSection.Pairs(given._section);
        while (wanted.TryRead())
        {
            int order;
            do
            {
                if (!mine.TryRead())
                {
                    return false;
                }

                order = mine.Key.SequenceCompareTo(wanted.Key);
            }
            while (order < 0);

            if (order > 0 || !mine.Value.SequenceEqual(wanted.Value))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Finds the value of a key, both as UTF-8.</summary>
    public bool TryGetValue(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        ContextPairs pairs = ContextSection.Pairs(_section);
        while (pairs.TryRead())
        {
            if (pairs.Key.SequenceEqual(key))
            {
                value = pairs.Value;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <inheritdoc/>
    public bool Equals(EncryptionContext? other) => other is not null && _section.AsSpan().SequenceEqual(other._section);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as EncryptionContext);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_section);
        return hash.ToHashCode();
    }

    private static EncryptionContext Create(
        IReadOnlyDictionary<string, string>? pairs, string parameterName, bool reservedKeys, ReadOnlySpan<KeyValuePair<string, string>> bound)
    {
        // A copy first: what is checked is what is written, whatever the caller's dictionary does meanwhile.
        KeyValuePair<string, string>[] copy = pairs is null ? [] : [.. pairs];
        foreach (KeyValuePair<string, string> own in bound)
        {
            ThrowIfGiven(copy, own.Key, parameterName);
        }

        if (!reservedKeys)
        {
            ThrowIfGiven(copy, PurposeKey, parameterName);
        }

        if (!bound.IsEmpty)
        {
            copy = [.. copy, .. bound];
        }

        if (copy.Length == 0)
        {
            return Empty;
        }

        int length = sizeof(ushort);
        foreach ((string key, string value) in copy)
        {
            length += MeasurePair(key, value, parameterName, reservedKeys);
            if (length > MaxLength)
            {
                throw new ArgumentException($"The encryption context takes more than {MaxLength} bytes.", parameterName);
            }
        }

        return ContextSection.TrySort(copy)
            ? new EncryptionContext(ContextSection.Write(copy))
            : throw new ArgumentException("The encryption context has a key twice.", parameterName);
    }

    private static void ThrowIfGiven(KeyValuePair<string, string>[] pairs, string key, string parameterName)
    {
        foreach (KeyValuePair<string, string> pair in pairs)
        {
            if (pair.Key == key)
            {
                throw new ArgumentException($"The key '{key}' of the encryption context is not the caller's to give: the key ring adds it.", parameterName);
            }
        }
    }

    // Keys may be named in a complaint, values never.
    private static int MeasurePair(string? key, string? value, string parameterName, bool reservedKeys)
    {
        int keyLength = Measure(key, "A key of the encryption context", parameterName);
        if (!reservedKeys && key!.StartsWith(ReservedPrefix, StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"The key '{key}' of the encryption context begins with '{ReservedPrefix}', which the message format reserves.",
                parameterName);
        }

        return sizeof(ushort) + keyLength + sizeof(ushort) + Measure(value, "A value of the encryption context", parameterName);
    }

    private static int Measure(string? text, string what, string parameterName)
    {
        if (text is null)
        {
            throw new ArgumentException($"{what} is null.", parameterName);
        }

        // UTF-8 has at least as many bytes as UTF-16 has units, so this bounds the sum above as well.
        if (text.Length > MaxLength)
        {
            throw new ArgumentException($"{what} takes more than {MaxLength} bytes.", parameterName);
        }

        return ContextSection.Measure(text) ?? throw new ArgumentException($"{what} is not valid Unicode: it has half a surrogate pair.", parameterName);
    }

    private ReadOnlyDictionary<string, string> ToDictionary() => new(new Dictionary<string, string>(ContextSection.Decode(_section), StringComparer.Ordinal));
}
