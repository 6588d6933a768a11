using System.Buffers;

namespace Scalr.Byok.Kms.Keys;

/// <summary>
/// The forms of IAM's values that stand in settings and in policies alike: what one takes, the other takes, too.
/// Complaints are the rest of a sentence that starts with the value's name, and quote nothing.
/// </summary>
internal static class IamText
{
    // AWS STS API reference, AssumeRole: ExternalId.
    private static readonly SearchValues<char> ExternalIdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@:/-");

    public static bool IsAccountId(ReadOnlySpan<char> text) => text.Length == KmsKeyArnReader.AccountLength && !text.ContainsAnyExceptInRange('0', '9');

    /// <summary>What is wrong with an external ID; null if AWS STS takes it.</summary>
    public static string? ComplainAboutExternalId(ReadOnlySpan<char> text) =>
        text.Length is < 2 or > 1224 ? $"has {Quotation.Count<char>(text.Length)}; AWS STS takes 2 to 1224."
        : text.ContainsAnyExcept(ExternalIdCharacters)
            ? "has a character that AWS STS does not take; letters, digits and _ + = , . @ : / - are allowed."
        : null;

    /// <summary>What is wrong with an audience; null if IAM takes it: a client ID of an OIDC provider has 1 to 255 characters.</summary>
    public static string? ComplainAboutAudience(ReadOnlySpan<char> text) =>
        text.Length is < 1 or > 255 || text.ContainsAnyExceptInRange('!', '~')
            ? "must be 1 to 255 visible ASCII characters, as registered with the OIDC identity provider."
            : null;
}
