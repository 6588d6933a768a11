using System.Buffers.Binary;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>One part of a place that a value is bound to: a text, a GUID or an integer.</summary>
/// <remarks>
/// Parts are converted implicitly: <c>ByokAssociatedData.For("variables", rowId, 42)</c>. Cast a <see cref="byte"/>, a
/// <see cref="ushort"/> or an enumeration to <see cref="int"/>.
/// </remarks>
public readonly struct ByokAssociatedDataPart
{
    private const int HeadLength = sizeof(uint);
    private const int NumberLength = 16;

    // The first bit is 1: no text is so long that its length begins with it. The rest is the content's length.
    private const uint GuidHead = 0x81000000 | NumberLength;
    private const uint IntegerHead = 0x82000000 | NumberLength;

    private readonly string? _text;
    private readonly ulong _high;
    private readonly ulong _low;
    private readonly uint _head; // 0: a text

    private ByokAssociatedDataPart(string? text) => _text = text;

    private ByokAssociatedDataPart(uint head, ulong high, ulong low)
    {
        _head = head;
        _high = high;
        _low = low;
    }

    /// <summary>A text, such as the name of a table.</summary>
    /// <param name="text">The text. <see cref="ByokAssociatedData"/> rejects null and unpaired surrogates.</param>
    public static implicit operator ByokAssociatedDataPart(string text) => new(text);

    /// <summary>A GUID, such as a row's id. It differs from its text.</summary>
    /// <param name="value">The GUID.</param>
    public static implicit operator ByokAssociatedDataPart(Guid value)
    {
        Span<byte> bytes = stackalloc byte[NumberLength];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return new(GuidHead, BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));
    }

    /// <summary>An integer, such as a row's id. The same number in another type of integer is the same part.</summary>
    /// <param name="value">The integer.</param>
    public static implicit operator ByokAssociatedDataPart(int value) => (long)value;

    /// <summary>An integer, such as a row's id. The same number in another type of integer is the same part.</summary>
    /// <param name="value">The integer.</param>
    public static implicit operator ByokAssociatedDataPart(uint value) => (ulong)value;

    /// <summary>An integer, such as a row's id. The same number in another type of integer is the same part.</summary>
    /// <param name="value">The integer.</param>
    public static implicit operator ByokAssociatedDataPart(long value) =>
        new(IntegerHead, value < 0 ? ulong.MaxValue : 0, unchecked((ulong)value));

    /// <summary>An integer, such as a row's id. The same number in another type of integer is the same part.</summary>
    /// <param name="value">The integer.</param>
    public static implicit operator ByokAssociatedDataPart(ulong value) => new(IntegerHead, 0, value);

    /// <summary>The length of the part in bytes.</summary>
    /// <exception cref="ArgumentException">It is null or not set, or far too long.</exception>
    internal int Measure(string parameterName)
    {
        if (_head != 0)
        {
            return HeadLength + NumberLength;
        }

        if (_text is null)
        {
            throw new ArgumentException("A part is null or not set. Give a text, a GUID or an integer.", parameterName);
        }

        // UTF-8 takes at least one byte for each UTF-16 unit. Checked first, so that no length overflows.
        return _text.Length <= ByokAssociatedData.MaxLength
            ? HeadLength + ValueText.Measure(_text)
            : throw ByokAssociatedData.TooLong(parameterName);
    }

    /// <summary>Writes the measured part and advances <paramref name="rest"/> past it.</summary>
    /// <exception cref="ArgumentException">The text is not valid Unicode.</exception>
    internal void Write(ref Span<byte> rest, string parameterName)
    {
        if (_head != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(rest, _head);
            BinaryPrimitives.WriteUInt64BigEndian(rest[HeadLength..], _high);
            BinaryPrimitives.WriteUInt64BigEndian(rest[(HeadLength + sizeof(ulong))..], _low);
            rest = rest[(HeadLength + NumberLength)..];
            return;
        }

        var count = ValueText.Measure(_text);
        BinaryPrimitives.WriteInt32BigEndian(rest, count);
        ValueText.Write(_text, rest.Slice(HeadLength, count), parameterName);
        rest = rest[(HeadLength + count)..];
    }
}
