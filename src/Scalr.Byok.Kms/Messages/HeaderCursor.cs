using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Reads field after field from bytes that may end anywhere.</summary>
internal struct HeaderCursor(ReadOnlyMemory<byte> message)
{
    /// <summary>The number of bytes read.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => message.Length - Position;

    public readonly bool StartsWith(ReadOnlySpan<byte> bytes) => message.Span.StartsWith(bytes);

    /// <summary>The bytes read since the given position.</summary>
    public readonly ReadOnlyMemory<byte> TakenSince(int position) => message[position..Position];

    public bool TryTake(int length, out ReadOnlyMemory<byte> field)
    {
        field = default;
        if (Remaining < length)
        {
            return false;
        }

        field = message.Slice(Position, length);
        Position += length;
        return true;
    }

    /// <summary>Reads a 16-bit length and that number of bytes.</summary>
    public bool TryTakeCounted(out ReadOnlyMemory<byte> field)
    {
        field = default;
        return TryTakeUInt16(out var length) && TryTake(length, out field);
    }

    public bool TryTakeByte(out byte value)
    {
        var taken = TryTake(1, out var field);
        value = taken ? field.Span[0] : default;
        return taken;
    }

    public bool TryTakeUInt16(out ushort value)
    {
        var taken = TryTake(sizeof(ushort), out var field);
        value = taken ? BinaryPrimitives.ReadUInt16BigEndian(field.Span) : default;
        return taken;
    }

    public bool TryTakeUInt32(out uint value)
    {
        var taken = TryTake(sizeof(uint), out var field);
        value = taken ? BinaryPrimitives.ReadUInt32BigEndian(field.Span) : default;
        return taken;
    }
}
