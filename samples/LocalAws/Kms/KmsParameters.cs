using System.Text.Json;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>
/// The JSON of a KMS request, read with the errors of KMS: a wrong type is a SerializationException, a wrong value a ValidationException.
/// </summary>
internal sealed class KmsParameters
{
    private readonly JsonElement _json;

    public KmsParameters(JsonElement json)
    {
        _json = json;
    }

    public string? Text(string name) => Find(name, JsonValueKind.String)?.GetString();

    public string RequiredText(string name) => Text(name) is { Length: > 0 } text ? text : throw Missing(name);

    public bool Flag(string name) => Find(name, JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? false;

    public int? Number(string name, int min, int max)
    {
        if (Find(name, JsonValueKind.Number) is not { } value)
        {
            return null;
        }

        return value.TryGetInt32(out var number) && number >= min && number <= max
            ? number
            : throw new AwsException("ValidationException", $"{name} must be a number from {min} to {max}.");
    }

    /// <exception cref="AwsException">
    /// ValidationException unless the parameter is there and has 1 to <paramref name="max"/> bytes.
    /// </exception>
    public byte[] Bytes(string name, int max)
    {
        var value = Find(name, JsonValueKind.String) ?? throw Missing(name);
        if (!value.TryGetBytesFromBase64(out var bytes))
        {
            throw new AwsException("SerializationException", $"{name} is not base64.");
        }

        return bytes.Length >= 1 && bytes.Length <= max
            ? bytes
            : throw new AwsException("ValidationException", $"{name} has {bytes.Length} bytes; expected are 1 to {max}.");
    }

    /// <summary>Empty when there is none: KMS makes no difference between the two.</summary>
    public IReadOnlyDictionary<string, string> EncryptionContext()
    {
        var context = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find("EncryptionContext", JsonValueKind.Object) is { } pairs)
        {
            foreach (var pair in pairs.EnumerateObject())
            {
                context[pair.Name] = pair.Value.ValueKind == JsonValueKind.String
                    ? pair.Value.GetString()!
                    : throw new AwsException("SerializationException", "The values of EncryptionContext must be strings.");
            }
        }

        return context;
    }

    private static AwsException Missing(string name) => new("ValidationException", $"{name} is missing or empty.");

    private JsonElement? Find(string name, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (!_json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return kinds.Contains(value.ValueKind) ? value : throw new AwsException("SerializationException", $"{name} has the wrong type.");
    }
}
