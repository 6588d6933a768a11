using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Takes field after field from bytes that may end anywhere.</summary>
internal struct HeaderCursor(ReadOnlyMemory<byte> message)
{
    /// <summary>How many bytes have been taken.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => message.Length - Position;

    public readonly bool StartsWith(ReadOnlySpan<byte> bytes) => message.Span.StartsWith(bytes);

    /// <summary>What has been taken since the given position.</summary>
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

    /// <summary>Takes a 16-bit length and as many bytes as it says.</summary>
    public bool TryTakeCounted(out ReadOnlyMemory<byte> field)
    {
        field = default;
        return TryTakeUInt16(out ushort length) && TryTake(length, out field);
    }

    public bool TryTakeByte(out byte value)
    {
        bool taken = TryTake(1, out ReadOnlyMemory<byte> field);
        value = taken ? field.Span[0] : default;
        return taken;
    }

    public bool TryTakeUInt16(out ushort value)
    {
        bool taken = TryTake(sizeof(ushort), out ReadOnlyMemory<byte> field);
        value = taken ? BinaryPrimitives.ReadUInt16BigEndian(field.Span) : default;
        return taken;
    }

    public bool TryTakeUInt32(out uint value)
    {
        bool taken = TryTake(sizeof(uint), out ReadOnlyMemory<byte> field);
        value = taken ? BinaryPrimitives.ReadUInt32BigEndian(field.Span) : default;
        return taken;
    }
}
