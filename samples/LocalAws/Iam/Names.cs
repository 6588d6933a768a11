using System.Security.Cryptography;

namespace LocalAws.Iam;

/// <summary>Identifiers and secrets that look like those of AWS, so that SDKs and log scrubbers treat them alike.</summary>
internal static class Names
{
    private const string IdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static string Id(string prefix) => prefix + RandomNumberGenerator.GetString(IdAlphabet, 20 - prefix.Length);

    public static string Secret() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(30));

    public static string SessionToken() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(192));
}
