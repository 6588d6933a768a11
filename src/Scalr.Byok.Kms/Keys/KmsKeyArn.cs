using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text.Json.Serialization;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms;

/// <summary>The ARN of a KMS key: <c>arn:{partition}:kms:{region}:{account}:key/{key id}</c>.</summary>
/// <remarks>
/// <para>
/// Parses text, JSON and configuration values. For any other text, such as an alias or a bare key id, the exception says in one sentence
/// what is wrong. The text is well formed; the key need not exist. Source:
/// <see href="https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN">AWS on key ARNs</see>, and
/// <c>partitions.json</c> of AWS's SDKs for partitions and Region names.
/// </para>
/// <para>
/// The value is stored inline: parsing, comparing and <see cref="TryFormat(Span{char}, out int)"/> allocate nothing. Each call of a string
/// property allocates. <c>default(KmsKeyArn)</c> names no key: its text and its properties are empty.
/// </para>
/// <para>
/// The reflection-based configuration binder uses its type converter. The source generator of the binder does not, and leaves the default
/// value: bind a string there, and parse it.
/// </para>
/// </remarks>
[TypeConverter(typeof(KmsKeyArnTypeConverter))]
[JsonConverter(typeof(KmsKeyArnJsonConverter))]
public readonly record struct KmsKeyArn : ISpanParsable<KmsKeyArn>, IUtf8SpanParsable<KmsKeyArn>, ISpanFormattable, IUtf8SpanFormattable
{
    /// <summary>The longest text of a value, in characters or bytes.</summary>
    internal const int MaxLength = 97;

    private const string Service = ":kms:";
    private const string Resource = ":key/";

    private readonly AwsRegion _region;
    private readonly long _account;
    private readonly KmsKeyId _keyId;

    internal KmsKeyArn(AwsRegion region, long account, KmsKeyId keyId)
    {
        _region = region;
        _account = account;
        _keyId = keyId;
    }

    /// <summary>The partition, such as <c>aws</c>, <c>aws-cn</c> or <c>aws-us-gov</c>.</summary>
    public string Partition => _region.Partition.Name();

    /// <summary>The Region, such as <c>us-east-1</c>.</summary>
    public string Region => _region.ToString();

    /// <summary>The account that owns the key: 12 digits.</summary>
    public string AccountId => IsDefault ? "" : _account.ToString("D12", CultureInfo.InvariantCulture);

    /// <summary>The key id: a UUID in lower case, or <c>mrk-</c> and 32 lower-case hexadecimal digits.</summary>
    public string KeyId => IsDefault ? "" : _keyId.ToString();

    /// <summary>Whether the key is a multi-Region key: its id starts with <c>mrk-</c>, and it can have replicas in other Regions.</summary>
    public bool IsMultiRegion => _keyId.IsMultiRegion;

    internal AwsRegion AwsRegion => _region;

    private bool IsDefault => _region.Length == 0;

    /// <summary>Parses a key ARN.</summary>
    /// <param name="text">The ARN, without white space around it.</param>
    /// <returns>The ARN.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a key ARN. The message says which part is wrong and what was expected.</exception>
    public static KmsKeyArn Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Parse(text.AsSpan());
    }

    /// <summary>Parses a key ARN.</summary>
    /// <param name="text">The ARN, without white space around it.</param>
    /// <returns>The ARN.</returns>
    /// <exception cref="FormatException">The text is not a key ARN. The message says which part is wrong and what was expected.</exception>
    public static KmsKeyArn Parse(ReadOnlySpan<char> text) => ParseCore(text);

    /// <summary>Parses a key ARN in UTF-8.</summary>
    /// <param name="utf8Text">The ARN, without white space around it.</param>
    /// <returns>The ARN.</returns>
    /// <exception cref="FormatException">The text is not a key ARN. The message says which part is wrong and what was expected.</exception>
    public static KmsKeyArn Parse(ReadOnlySpan<byte> utf8Text) => ParseCore(utf8Text);

    /// <summary>Tries to parse a key ARN. Allocates nothing.</summary>
    /// <param name="text">The ARN, without white space around it. Null is not an ARN.</param>
    /// <param name="arn">The ARN, or the default value.</param>
    /// <returns>Whether the text is a key ARN.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out KmsKeyArn arn) => TryParse(text.AsSpan(), out arn);

    /// <inheritdoc cref="TryParse(string?, out KmsKeyArn)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out KmsKeyArn arn) => KmsKeyArnReader.Read(text, out arn).IsNone;

    /// <summary>Parses a key ARN, or returns the reason why the text is not one.</summary>
    /// <param name="text">The ARN, without white space around it. Null is not a key ARN.</param>
    /// <param name="arn">The ARN, or the default value.</param>
    /// <param name="error">
    /// The message of the exception of <see cref="Parse(string)"/>, which says what is wrong and what was expected; null for a key ARN. It
    /// does not quote text that may be a secret in the wrong field.
    /// </param>
    /// <returns>Whether the text is a key ARN.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out KmsKeyArn arn, [NotNullWhen(false)] out string? error) =>
        TryParse(text.AsSpan(), out arn, out error);

    /// <inheritdoc cref="TryParse(string?, out KmsKeyArn, out string?)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out KmsKeyArn arn, [NotNullWhen(false)] out string? error)
    {
        var found = KmsKeyArnReader.Read(text, out arn);
        error = found.IsNone ? null : found.Describe(text);
        return found.IsNone;
    }

    /// <summary>Tries to parse a key ARN in UTF-8. Allocates nothing.</summary>
    /// <param name="utf8Text">The ARN, without white space around it.</param>
    /// <param name="arn">The ARN, or the default value.</param>
    /// <returns>Whether the text is a key ARN.</returns>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, out KmsKeyArn arn) => KmsKeyArnReader.Read(utf8Text, out arn).IsNone;

    /// <summary>Returns the ARN of this multi-Region key's primary or replica in another Region, which need not exist.</summary>
    /// <param name="region">A Region of the same partition, such as <c>us-east-2</c>.</param>
    /// <returns>The same ARN with the Region replaced.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="region"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="region"/> is not the name of a Region, or is in another partition.</exception>
    /// <exception cref="InvalidOperationException">The key is a single-Region key, or the value is the default.</exception>
    public KmsKeyArn InRegion(string region)
    {
        ArgumentNullException.ThrowIfNull(region);
        if (!AwsRegion.TryParse(region.AsSpan(), out var other))
        {
            throw new ArgumentException(AwsRegion.Complain(region), nameof(region));
        }

        if (!IsMultiRegion)
        {
            throw new InvalidOperationException(IsDefault
                ? "The KmsKeyArn is the default value and names no key; read one with KmsKeyArn.Parse."
                : $"The key {this} is a single-Region key and exists in {Region} only. "
                    + $"Create a multi-Region key (its id starts with 'mrk-') and replicate it to {other}.");
        }

        if (other.Partition != _region.Partition)
        {
            throw new ArgumentException(
                $"The Region '{other}' belongs to partition {other.Partition.Name()}; expected one of partition {Partition}, where the "
                + $"key {this} is.",
                nameof(region));
        }

        return new KmsKeyArn(other, _account, _keyId);
    }

    /// <summary>
    /// Whether both ARNs name the same multi-Region key: partition, account and <c>mrk-</c> id are equal; the Regions may differ. Such keys
    /// share their key material, so each decrypts what another encrypted. False for a single-Region key, even compared with itself.
    /// </summary>
    /// <param name="other">The other ARN.</param>
    /// <returns>Whether the two name the same multi-Region key.</returns>
    public bool IsReplicaOf(KmsKeyArn other)
        => IsMultiRegion && _keyId == other._keyId && _account == other._account && _region.Partition == other._region.Partition;

    /// <summary>The text of the ARN; empty for the default value.</summary>
    /// <returns>The ARN.</returns>
    public override string ToString()
    {
        Span<char> text = stackalloc char[TextLength];
        TryFormat(text, out _);
        return text.ToString();
    }

    /// <summary>Writes the ARN. Allocates nothing.</summary>
    /// <param name="destination">The destination. An ARN has at most 97 characters.</param>
    /// <param name="charsWritten">The number of characters written; 0 if the destination is too short.</param>
    /// <returns>Whether the destination is long enough.</returns>
    public bool TryFormat(Span<char> destination, out int charsWritten) => TryFormatCore(destination, out charsWritten);

    /// <summary>Writes the ARN as UTF-8. Allocates nothing.</summary>
    /// <param name="utf8Destination">The destination. An ARN has at most 97 bytes.</param>
    /// <param name="bytesWritten">The number of bytes written; 0 if the destination is too short.</param>
    /// <returns>Whether the destination is long enough.</returns>
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten) => TryFormatCore(utf8Destination, out bytesWritten);

    static KmsKeyArn IParsable<KmsKeyArn>.Parse(string s, IFormatProvider? provider) => Parse(s);

    static bool IParsable<KmsKeyArn>.TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out KmsKeyArn result) =>
        TryParse(s, out result);

    static KmsKeyArn ISpanParsable<KmsKeyArn>.Parse(ReadOnlySpan<char> s, IFormatProvider? provider) => Parse(s);

    static bool ISpanParsable<KmsKeyArn>.TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out KmsKeyArn result) =>
        TryParse(s, out result);

    static KmsKeyArn IUtf8SpanParsable<KmsKeyArn>.Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider) => Parse(utf8Text);

    static bool IUtf8SpanParsable<KmsKeyArn>.TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out KmsKeyArn result)
        => TryParse(utf8Text, out result);

    string IFormattable.ToString(string? format, IFormatProvider? formatProvider) => ToString();

    bool ISpanFormattable.TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
        => TryFormat(destination, out charsWritten);

    bool IUtf8SpanFormattable.TryFormat(
        Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
        => TryFormat(utf8Destination, out bytesWritten);

    /// <summary>Whether the UTF-8 text is exactly this ARN. Allocates nothing.</summary>
    internal bool Is(ReadOnlySpan<byte> utf8Text) => TryParse(utf8Text, out var other) && other == this;

    private static KmsKeyArn ParseCore<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        var complaint = KmsKeyArnReader.Read(text, out var arn);
        return complaint.IsNone ? arn : throw new FormatException(complaint.Describe(text));
    }

    private int TextLength => IsDefault
        ? 0
        : AsciiText.Arn.Length + _region.Partition.Name().Length + Service.Length + _region.Length + 1
            + KmsKeyArnReader.AccountLength + Resource.Length + KmsKeyId.Length;

    private bool TryFormatCore<T>(Span<T> destination, out int written) where T : unmanaged, IBinaryInteger<T>
    {
        var length = TextLength;
        if (destination.Length < length)
        {
            written = 0;
            return false;
        }

        if (length > 0)
        {
            AsciiText.Write(ref destination, AsciiText.Arn);
            AsciiText.Write(ref destination, _region.Partition.Name());
            AsciiText.Write(ref destination, Service);
            _region.Write(ref destination);
            AsciiText.Write(ref destination, ":");
            Span<char> account = stackalloc char[KmsKeyArnReader.AccountLength];
            _account.TryFormat(account, out _, "D12", CultureInfo.InvariantCulture);
            AsciiText.Write(ref destination, account);
            AsciiText.Write(ref destination, Resource);
            _keyId.Write(ref destination);
        }

        written = length;
        return true;
    }
}
