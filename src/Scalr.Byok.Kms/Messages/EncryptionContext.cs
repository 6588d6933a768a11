namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The pairs that a message is bound to. Immutable. Stored as the bytes of the header, sorted and without duplicates, so that two contexts
/// with the same pairs have the same <see cref="Section"/>.
/// </summary>
internal sealed class EncryptionContext : IEquatable<EncryptionContext>
{
    /// <summary>The context of no pairs: a length of zero and no count.</summary>
    public static readonly EncryptionContext Empty = new([0, 0]);

    /// <summary>
    /// The longest context to write, with its count. The format allows 65,535 bytes, but AWS's SDK for Java cannot read more than this.
    /// </summary>
    public const int MaxLength = short.MaxValue;

    /// <summary>The prefix of the names that belong to the format.</summary>
    public const string ReservedPrefix = "aws-crypto-";

    /// <summary>
    /// The prefix of the names that belong to this library, without regard to case: IAM's condition keys are not case-sensitive.
    /// </summary>
    public const string OwnPrefix = "scalr:";

    /// <summary>The name of the pair with the tenant, in messages of tenants' rings.</summary>
    public const string TenantKey = "scalr:tenant";

    /// <summary>The name of the pair that marks a message as a data key, so that no other message of 32 bytes is used as one.</summary>
    public const string PurposeKey = "scalr:purpose";

    /// <summary>The value of the pair that marks a message as a data key.</summary>
    public const string DataKeyPurpose = "data-key";

    private readonly byte[] _section;

    private EncryptionContext(byte[] section) => _section = section;

    /// <summary>The header field, as <see cref="ContextSection"/> describes it.</summary>
    public ReadOnlyMemory<byte> Section => _section;

    /// <summary>The pairs as strings. Decoded at each use.</summary>
    public IReadOnlyDictionary<string, string> Pairs => new ContextDictionary(_section);

    /// <summary>Creates the context of a new message.</summary>
    /// <param name="pairs">The caller's pairs; null means none.</param>
    /// <param name="parameterName">The parameter of the public method.</param>
    /// <param name="bound">The library's pairs, which are added.</param>
    /// <exception cref="ArgumentException">A pair is invalid, or all of them together are too long.</exception>
    public static EncryptionContext Create(
        IReadOnlyDictionary<string, string>? pairs, string parameterName, params ReadOnlySpan<KeyValuePair<string, string>> bound) =>
        Create(pairs, parameterName, reservedKeys: false, bound);

    /// <summary>Creates the pairs that a caller expects in a message. They may have reserved names.</summary>
    /// <param name="pairs">The caller's pairs; null means none.</param>
    /// <param name="parameterName">The parameter of the public method.</param>
    /// <exception cref="ArgumentException">A pair, or all of them together, cannot be in a message.</exception>
    public static EncryptionContext CreateExpected(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        Create(pairs, parameterName, reservedKeys: true, bound: []);

    /// <summary>Reads the context of a message; false if the bytes are not exactly one valid context.</summary>
    /// <param name="section">The header field with its length.</param>
    /// <param name="context">The context; empty if the result is false.</param>
    public static bool TryParse(ReadOnlySpan<byte> section, out EncryptionContext context)
    {
        context = Empty;
        if (!ContextSection.Check(section, out var count, out var ascending))
        {
            return false;
        }

        if (count == 0)
        {
            return true; // with or without the count: old writers wrote one
        }

        if (ascending)
        {
            context = new EncryptionContext(section.ToArray());
            return true;
        }

        // AWS's SDKs do not check the order, so other orders exist. The tag covers the header as it was received, not this sorted copy.
        var pairs = ContextSection.Decode(section);
        if (!ContextSection.TrySort(pairs))
        {
            return false;
        }

        context = new EncryptionContext(ContextSection.Write(pairs));
        return true;
    }

    /// <summary>Whether this context contains all pairs of another.</summary>
    public bool Contains(EncryptionContext given)
    {
        // Both are sorted, so one pass through both is enough.
        var mine = ContextSection.Pairs(_section);
        var wanted = ContextSection.Pairs(given._section);
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

    /// <summary>This context without the pair of a name.</summary>
    public EncryptionContext Without(string key)
    {
        var pairs = Array.FindAll(ContextSection.Decode(_section), pair => pair.Key != key);
        return pairs.Length == 0 ? Empty : new EncryptionContext(ContextSection.Write(pairs));
    }

    /// <summary>Finds the value of a name, both as UTF-8.</summary>
    public bool TryGetValue(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        var pairs = ContextSection.Pairs(_section);
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
        IReadOnlyDictionary<string, string>? pairs,
        string parameterName,
        bool reservedKeys,
        ReadOnlySpan<KeyValuePair<string, string>> bound)
    {
        // Copied first: the caller may change its dictionary during the call, and the checked pairs must be the written ones.
        KeyValuePair<string, string>[] copy = pairs is null ? [] : [.. pairs];
        var given = copy;
        if (!bound.IsEmpty)
        {
            copy = [.. given, .. bound];
        }

        if (copy.Length == 0)
        {
            return Empty;
        }

        var length = sizeof(ushort);
        foreach ((var key, var value) in copy)
        {
            length += MeasurePair(key, value, parameterName);
            if (length > MaxLength)
            {
                throw new ArgumentException($"The encryption context takes more than {MaxLength} bytes.", parameterName);
            }
        }

        if (!reservedKeys)
        {
            ThrowIfReserved(given, parameterName);
        }

        return ContextSection.TrySort(copy)
            ? new EncryptionContext(ContextSection.Write(copy))
            : throw new ArgumentException("The encryption context has a key twice.", parameterName);
    }

    private static void ThrowIfReserved(KeyValuePair<string, string>[] pairs, string parameterName)
    {
        foreach ((var key, _) in pairs)
        {
            if (key.StartsWith(ReservedPrefix, StringComparison.Ordinal))
            {
                throw new ArgumentException(
                    $"The key '{key}' of the encryption context begins with '{ReservedPrefix}', which the message format reserves.",
                    parameterName);
            }

            if (key.StartsWith(OwnPrefix, StringComparison.OrdinalIgnoreCase))
            {
                throw new ArgumentException(
                    $"The key '{key}' of the encryption context begins with '{OwnPrefix}', which is reserved: key rings add such pairs "
                    + "themselves.",
                    parameterName);
            }
        }
    }

    // Messages may quote names, but never values.
    private static int MeasurePair(string? key, string? value, string parameterName) =>
        sizeof(ushort) + Measure(key, "A key of the encryption context", parameterName)
        + sizeof(ushort) + Measure(value, "A value of the encryption context", parameterName);

    private static int Measure(string? text, string what, string parameterName)
    {
        if (text is null)
        {
            throw new ArgumentException($"{what} is null.", parameterName);
        }

        // UTF-8 has at least as many bytes as UTF-16 has units, so this also bounds the sum above.
        if (text.Length > MaxLength)
        {
            throw new ArgumentException($"{what} takes more than {MaxLength} bytes.", parameterName);
        }

        return ContextSection.Measure(text)
            ?? throw new ArgumentException($"{what} is not valid Unicode: it contains an unpaired surrogate.", parameterName);
    }
}
