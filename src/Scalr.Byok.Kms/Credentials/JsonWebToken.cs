using System.Buffers.Text;
using System.Text.Json;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// The claims of the host's own token that are checked before it is sent. The signature is not verified: AWS STS does that.
/// </summary>
/// <param name="Subject">The claim <c>sub</c>; null if there is none.</param>
/// <param name="Expires">The claim <c>exp</c>; null if there is none.</param>
internal sealed record JsonWebToken(string? Subject, DateTimeOffset? Expires)
{
    /// <summary>Reads a token; null if it is not a complete JWT (RFC 7519), for example because it was cut.</summary>
    public static JsonWebToken? Read(string text)
    {
        if (text.Split('.') is not [var header, var payload, { Length: > 0 } signature])
        {
            return null;
        }

        try
        {
            // Read for the checks before a request only. The signature is not verified here: AWS STS does that and alone decides about
            // trust.
            using var head = JsonDocument.Parse(Base64Url.DecodeFromChars(header));
            using var body = JsonDocument.Parse(Base64Url.DecodeFromChars(payload));
            return head.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.ValueKind == JsonValueKind.Object
                && Base64Url.DecodeFromChars(signature).Length >= ShortestSignature(Text(head.RootElement, "alg"))
                ? new JsonWebToken(Text(body.RootElement, "sub"), Time(body.RootElement, "exp"))
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The shortest signature, in bytes (RFC 7518, sections 3.3 to 3.5): RSA keys have at least 2,048 bits.</summary>
    private static int ShortestSignature(string? algorithm) => algorithm switch
    {
        "ES256" => 64,
        "ES384" => 96,
        "ES512" => 132,
        ['R' or 'P', 'S', ..] => 256,
        _ => 1,
    };

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Seconds since 1970, possibly with a fraction.</summary>
    private static DateTimeOffset? Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds)
            && seconds >= 0 && seconds < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : null;
}
