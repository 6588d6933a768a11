using System.Buffers;

namespace Scalr.Byok.Kms.Keys;

/// <summary>Validates the two halves of an access key, and the token of a temporary one.</summary>
/// <remarks>The messages continue a sentence that starts with the field's name. They quote nothing.</remarks>
internal static class AccessKeyText
{
    private const int SecretLength = 40;
    private const int ShortestId = 16;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    private static readonly SearchValues<char> SecretCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");

    public static bool IsTemporary(string id) => id.StartsWith("ASIA", StringComparison.Ordinal);

    public static string? ComplainAboutId(string text) =>
        PastedText.Complain(text) is { } pasted ? pasted
        : LooksLikeSecret(text) ? "looks like a secret access key; expected the access key ID, such as AKIA…. Were the two halves swapped?"
        : text.Length is < ShortestId or > 128 || text.AsSpan().ContainsAnyExcept(IdCharacters)
        ? "must be 16 to 128 letters, digits or underscores."
        : null;

    public static string? ComplainAboutSecret(string text) =>
        PastedText.Complain(text) is { } pasted ? pasted
        : LooksLikeId(text) ? "looks like an access key ID; expected the secret access key. Were the two halves swapped?"
        : text.Length > 512 ? $"has {text.Length} characters; no secret access key has more than 512."
        : text.AsSpan().ContainsAnyExceptInRange('!', '~')
        ? "has characters that no secret access key has; expected visible ASCII characters."
        : null;

    public static string? ComplainAboutToken(string text) =>
        PastedText.Complain(text) is { } pasted ? pasted
        : text.AsSpan().ContainsAnyExceptInRange('!', '~')
        ? "has characters that no session token has; expected visible ASCII characters."
        : null;

    private static bool LooksLikeSecret(string text) => text.Length == SecretLength && !text.AsSpan().ContainsAnyExcept(SecretCharacters)
        && !text.StartsWith("AKIA", StringComparison.Ordinal) && !IsTemporary(text);

    private static bool LooksLikeId(string text) => (text.StartsWith("AKIA", StringComparison.Ordinal) || IsTemporary(text))
        && text.Length is >= ShortestId and < SecretLength && !text.AsSpan().ContainsAnyExcept(IdCharacters);
}
