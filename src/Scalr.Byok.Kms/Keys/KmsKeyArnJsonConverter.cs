using System.Text.Json;
using System.Text.Json.Serialization;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms;

/// <summary>
/// Reads and writes a <see cref="KmsKeyArn"/> as a JSON string or property name. Need not be registered. Public because JSON source
/// generators of other assemblies create it.
/// </summary>
public sealed class KmsKeyArnJsonConverter : JsonConverter<KmsKeyArn>
{
    /// <summary>Reads the ARN from a JSON string.</summary>
    /// <param name="reader">The reader, on the string.</param>
    /// <param name="typeToConvert">The type of the ARN.</param>
    /// <param name="options">Not used.</param>
    /// <returns>The ARN.</returns>
    /// <exception cref="JsonException">The value is not a string, or not a key ARN. The message says what is wrong.</exception>
    public override KmsKeyArn Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.String
            ? ReadText(ref reader)
            : throw new JsonException($"Not a KMS key ARN: the JSON value is of type {reader.TokenType}; expected a string.");

    /// <summary>Writes the ARN as a JSON string. The default value is written as an empty string, which cannot be read back.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="value">The ARN.</param>
    /// <param name="options">Not used.</param>
    public override void Write(Utf8JsonWriter writer, KmsKeyArn value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Span<byte> text = stackalloc byte[KmsKeyArn.MaxLength];
        value.TryFormat(text, out var length);
        writer.WriteStringValue(text[..length]);
    }

    /// <summary>Reads the ARN from a JSON property name.</summary>
    /// <inheritdoc cref="Read"/>
    public override KmsKeyArn ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ReadText(ref reader);

    /// <summary>Writes the ARN as a JSON property name.</summary>
    /// <inheritdoc cref="Write"/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, KmsKeyArn value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Span<byte> text = stackalloc byte[KmsKeyArn.MaxLength];
        value.TryFormat(text, out var length);
        writer.WritePropertyName(text[..length]);
    }

    private static KmsKeyArn ReadText(ref Utf8JsonReader reader)
    {
        if (!reader.HasValueSequence && !reader.ValueIsEscaped)
        {
            return ReadUtf8(reader.ValueSpan);
        }

        string? text;
        try
        {
            text = reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("Not a KMS key ARN: the JSON string is not valid Unicode.", e);
        }

        return KmsKeyArn.TryParse(text, out var arn, out var complaint) ? arn : throw new JsonException(complaint);
    }

    private static KmsKeyArn ReadUtf8(ReadOnlySpan<byte> utf8Text)
    {
        var complaint = KmsKeyArnReader.Read(utf8Text, out var arn);
        return complaint.IsNone ? arn : throw new JsonException(complaint.Describe(utf8Text));
    }
}
