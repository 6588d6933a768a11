using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Issuer and subject of the host's own token, to write the trust policy that accepts it. The signature is not verified: AWS STS does that.
/// </summary>
internal sealed record OidcClaims(string Issuer, string Subject)
{
    private const string Https = "https://";

    /// <summary>Reads the payload of a JWT (RFC 7519); false if the text is no JWT, or has no https issuer or no subject.</summary>
    /// <remarks>The issuer is compared exactly, as OpenID Connect requires. A URL parser would also accept <c>https:/</c>.</remarks>
    public static bool TryRead(string token, [NotNullWhen(true)] out OidcClaims? claims)
    {
        claims = null;
        if (token.Split('.') is not [_, var payload, _])
        {
            return false;
        }

        try
        {
            using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(payload));
            if (Text(json.RootElement, "iss") is { } issuer && Text(json.RootElement, "sub") is { } subject
                && issuer.StartsWith(Https, StringComparison.Ordinal))
            {
                claims = new OidcClaims(issuer, subject);
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            // Not a JWT. AWS STS will reject it too.
        }

        return claims is not null;
    }

    /// <summary>The trust policy that accepts tokens of this issuer, subject and audience; null if it cannot be written safely.</summary>
    public string? WriteTrustPolicy(string roleArn, string audience)
    {
        try
        {
            return ByokPolicies.OidcTrustForSubject(
                RoleArns.AccountOf(roleArn), audience, Subject, Issuer[Https.Length..], RoleArns.PartitionOf(roleArn));
        }
        catch (ArgumentException)
        {
            return null; // for example, the host's own subject has a wildcard, or its issuer a port
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
