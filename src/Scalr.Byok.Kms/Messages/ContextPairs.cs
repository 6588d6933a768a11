using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Walks the pairs of a serialized encryption context, as they stand, without copying them.</summary>
internal ref struct ContextPairs
{
    private ReadOnlySpan<byte> _rest;

    /// <param name="pairs">The section behind its length and count fields.</param>
    public ContextPairs(ReadOnlySpan<byte> pairs)
    {
        _rest = pairs;
        Key = default;
        Value = default;
    }

    /// <summary>The key of the pair last read, as UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>The value of the pair last read, as UTF-8.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>Reads the next pair; false if the bytes end before the pair does.</summary>
    public bool TryRead()
    {
        if (!TryTake(out ReadOnlySpan<byte> key) || !TryTake(out ReadOnlySpan<byte> value))
        {
            return false;
        }

        Key = key;
        Value = value;
        return true;
    }

    private bool TryTake(out ReadOnlySpan<byte> field)
    {
        field = default;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out ushort length) || _rest.Length - sizeof(ushort) < length)
        {
            return false;
        }

        field = _rest.Slice(sizeof(ushort), length);
        _rest = _rest[(sizeof(ushort) + length)..];
        return true;
    }
}
