using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WebHost.Webhooks;

/// <summary>
/// Signatures of <see href="https://www.standardwebhooks.com">Standard Webhooks</see>: HMAC-SHA256 over id, time and body.
/// </summary>
public static class WebhookSignature
{
    private const string Prefix = "whsec_";
    private const int SecretLength = 32;

    /// <summary>A new secret.</summary>
    public static string NewSecret() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretLength));

    /// <summary>The value of the header <c>webhook-signature</c>.</summary>
    /// <param name="secret">The customer's secret.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>: seconds since 1970.</param>
    /// <param name="body">The body of the request.</param>
    public static string Sign(string secret, string id, long timestamp, string body)
    {
        ArgumentNullException.ThrowIfNull(secret);
        var signed = string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}");
        var mac = HMACSHA256.HashData(Convert.FromBase64String(secret[Prefix.Length..]), Encoding.UTF8.GetBytes(signed));
        return "v1," + Convert.ToBase64String(mac);
    }
}
