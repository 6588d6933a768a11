using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Issuer and subject of the host's own token, read to write the trust policy that admits it. Nothing is verified: AWS STS does that.</summary>
internal sealed record WebIdentityClaims(string Issuer, string Subject)
{
    private const string Https = "https://";

    /// <summary>Takes the payload of a JWT (RFC 7519) apart; false if it is none, or one without an https issuer and a subject.</summary>
    /// <remarks>The issuer is compared letter by letter, as OpenID Connect does: a reader of URLs would take <c>https:/</c>, too.</remarks>
    public static bool TryRead(string token, [NotNullWhen(true)] out WebIdentityClaims? claims)
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
                claims = new WebIdentityClaims(issuer, subject);
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            // No JWT: AWS STS will say so, too.
        }

        return claims is not null;
    }

    /// <summary>The trust policy that admits tokens of this issuer, subject and audience; null if it cannot be written safely.</summary>
    public string? WriteTrustPolicy(string roleArn, string audience)
    {
        try
        {
            return ByokPolicies.WebIdentityTrustForSubject(
                RoleArns.AccountOf(roleArn), audience, Subject, Issuer[Https.Length..], RoleArns.PartitionOf(roleArn));
        }
        catch (ArgumentException)
        {
            return null; // the host's own subject has a wildcard, say, or its issuer a port
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
