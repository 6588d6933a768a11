using System.Diagnostics.CodeAnalysis;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>
/// The place that an encrypted value is bound to, such as table, column and row. The value can be decrypted for this place only.
/// </summary>
/// <remarks>
/// <para>
/// Without a place, a value that an attacker with access to the database copies to another row of the same tenant can be decrypted there
/// too. So each method of <see cref="ByokDataKey"/> requires a place; <see cref="None"/> states explicitly that there is none.
/// </para>
/// <para>
/// The place is not stored with the value and is not secret. The same place must be given to decrypt. The default value,
/// <c>default(ByokAssociatedData)</c>, is no place: the methods of <see cref="ByokDataKey"/> throw <see cref="ArgumentException"/> for it.
/// </para>
/// <para>Costs one allocation and no AWS call. Reuse it for all values of one place.</para>
/// </remarks>
public readonly struct ByokAssociatedData : IEquatable<ByokAssociatedData>
{
    /// <summary>The longest associated data, in bytes: 65,536.</summary>
    public const int MaxLength = 65_536;

    private readonly byte[]? _bytes;

    private ByokAssociatedData(byte[] bytes) => _bytes = bytes;

    /// <summary>
    /// No place: the value can be decrypted wherever it is stored under the same data key. Use it only for values without a place of their
    /// own.
    /// </summary>
    public static ByokAssociatedData None { get; } = new([]);

    /// <summary>The length in bytes; 0 for <see cref="None"/> and for the default value.</summary>
    public int Length => _bytes?.Length ?? 0;

    /// <summary>The bytes that are authenticated with a value.</summary>
    /// <exception cref="ArgumentException">This is the default value.</exception>
    internal ReadOnlySpan<byte> Bytes => _bytes ?? throw new ArgumentException(
        $"The associated data is not set. Use {nameof(ByokAssociatedData)}.{nameof(For)}(table, column, row) "
        + "to bind the value to its place, "
        + $"or {nameof(ByokAssociatedData)}.{nameof(None)} if it has none.",
        "associatedData");

    /// <summary>Builds the place from texts, GUIDs and integers, such as table, column and row.</summary>
    /// <remarks>
    /// <para>
    /// Different parts always give different bytes: <c>("ab", "c")</c> differs from <c>("a", "bc")</c>, a <see cref="Guid"/> from its text,
    /// and 1 from <c>"1"</c>. An integer is written by its value, not its type: a column that grows from <see cref="int"/> to
    /// <see cref="long"/> keeps its places. Texts must match exactly: upper and lower case differ.
    /// </para>
    /// <para>
    /// The bytes are the same in all versions. Each part is 4 bytes and the content, and all numbers are big-endian. A text: the length of
    /// its UTF-8, then the UTF-8. A GUID: <c>81 00 00 10</c>, then its 16 bytes in the order in which they are printed. An integer:
    /// <c>82 00 00 10</c>, then 16 bytes in two's complement.
    /// </para>
    /// </remarks>
    /// <param name="parts">
    /// The parts that identify the place: at least one. They must never change: if a table is renamed, keep its old name here. Texts must
    /// be valid Unicode.
    /// </param>
    /// <returns>The place.</returns>
    /// <exception cref="ArgumentException">
    /// There is no part, a part is null or not set, a text contains an unpaired surrogate, or all parts together are longer than
    /// <see cref="MaxLength"/> bytes.
    /// </exception>
    public static ByokAssociatedData For(params ReadOnlySpan<ByokAssociatedDataPart> parts) => Build(parts, static part => part);

    /// <inheritdoc cref="For(ReadOnlySpan{ByokAssociatedDataPart})"/>
    public static ByokAssociatedData For(params ReadOnlySpan<string> parts) => Build(parts, static part => part);

    /// <summary>
    /// Uses bytes in an encoding of the host as the place. Prefer <see cref="For(ReadOnlySpan{ByokAssociatedDataPart})"/>.
    /// </summary>
    /// <param name="bytes">1 to <see cref="MaxLength"/> bytes, which are copied. Different places must have different bytes.</param>
    /// <returns>The place.</returns>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> is empty or longer than <see cref="MaxLength"/>.</exception>
    public static ByokAssociatedData FromBytes(ReadOnlySpan<byte> bytes) =>
        new(bytes[..NotEmpty(CheckLength(bytes.Length, nameof(bytes)), nameof(bytes))].ToArray());

    /// <summary>Whether the bytes of two places are equal. The default value equals only itself.</summary>
    /// <param name="left">One place.</param>
    /// <param name="right">The other place.</param>
    public static bool operator ==(ByokAssociatedData left, ByokAssociatedData right) => left.Equals(right);

    /// <summary>Whether the bytes of two places differ.</summary>
    /// <param name="left">One place.</param>
    /// <param name="right">The other place.</param>
    public static bool operator !=(ByokAssociatedData left, ByokAssociatedData right) => !left.Equals(right);

    /// <summary>Copies the bytes, for another implementation of the format.</summary>
    /// <returns>The bytes; none for <see cref="None"/> and for the default value.</returns>
    public byte[] ToArray() => _bytes is null ? [] : [.. _bytes];

    /// <summary>Whether another place has the same bytes. The default value equals only itself.</summary>
    /// <param name="other">The other place.</param>
    public bool Equals(ByokAssociatedData other) => _bytes is null == other._bytes is null && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is ByokAssociatedData other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>A text with the length. It does not contain the bytes, because they may identify a customer's records.</summary>
    /// <returns>A text for logs and debuggers.</returns>
    public override string ToString() => _bytes switch
    {
        null => "Associated data that is not set",
        { Length: 0 } => "No associated data",
        { Length: var length } => $"Associated data of {length} bytes",
    };

    private static ByokAssociatedData Build<T>(ReadOnlySpan<T> parts, Func<T, ByokAssociatedDataPart> toPart)
    {
        var length = 0;
        foreach (var part in parts)
        {
            length = CheckLength(length + toPart(part).Measure(nameof(parts)), nameof(parts));
        }

        var bytes = new byte[NotEmpty(length, nameof(parts))];
        var rest = bytes.AsSpan();
        foreach (var part in parts)
        {
            toPart(part).Write(ref rest, nameof(parts));
        }

        return new ByokAssociatedData(bytes);
    }

    private static int CheckLength(int length, string parameterName) => length <= MaxLength ? length : throw TooLong(parameterName);

    private static int NotEmpty(int length, string parameterName) => length > 0 ? length : throw new ArgumentException(
        $"Nothing binds the value to a place. Give at least one part, or use {nameof(ByokAssociatedData)}.{nameof(None)} on purpose.",
        parameterName);

    internal static ArgumentException TooLong(string parameterName) =>
        new($"The associated data is longer than {MaxLength} bytes.", parameterName);
}
