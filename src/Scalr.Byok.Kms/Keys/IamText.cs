using System.Buffers;

namespace Scalr.Byok.Kms.Keys;

/// <summary>
/// Validates IAM's values in settings and policies by the same rules. The messages continue a sentence that starts with the value's name.
/// They quote nothing.
/// </summary>
internal static class IamText
{
    // AWS STS API reference, AssumeRole: ExternalId.
    private static readonly SearchValues<char> ExternalIdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@:/-");

    public static bool IsAccountId(ReadOnlySpan<char> text) =>
        text.Length == KmsKeyArnReader.AccountLength && !text.ContainsAnyExceptInRange('0', '9');

    /// <summary>What is wrong with an external ID; null if AWS STS accepts it.</summary>
    public static string? ComplainAboutExternalId(ReadOnlySpan<char> text) =>
        text.Length is < 2 or > 1224 ? $"has {Quotation.Count<char>(text.Length)}; AWS STS accepts 2 to 1224."
        : text.ContainsAnyExcept(ExternalIdCharacters)
            ? "has a character that AWS STS does not accept; letters, digits and _ + = , . @ : / - are allowed."
        : null;

    /// <summary>What is wrong with an audience; null if IAM accepts it: a client ID of an OIDC provider has 1 to 255 characters.</summary>
    public static string? ComplainAboutAudience(ReadOnlySpan<char> text) =>
        text.Length is < 1 or > 255 || text.ContainsAnyExceptInRange('!', '~')
            ? "must be 1 to 255 visible ASCII characters, as registered with the OIDC identity provider."
            : null;
}
