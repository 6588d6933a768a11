using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Reads the pairs of a serialized encryption context in place.</summary>
internal ref struct ContextPairs
{
    private ReadOnlySpan<byte> _rest;

    /// <param name="pairs">The section after its length and count fields.</param>
    public ContextPairs(ReadOnlySpan<byte> pairs)
    {
        _rest = pairs;
        Key = default;
        Value = default;
    }

    /// <summary>The name of the last pair, as UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>The value of the last pair, as UTF-8.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>Reads the next pair; false if the bytes end before the pair does.</summary>
    public bool TryRead()
    {
        if (!TryTake(out var key) || !TryTake(out var value))
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
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out var length) || _rest.Length - sizeof(ushort) < length)
        {
            return false;
        }

        field = _rest.Slice(sizeof(ushort), length);
        _rest = _rest[(sizeof(ushort) + length)..];
        return true;
    }
}
