using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LocalAws.Wire;

/// <summary>
/// Computes the signature that a request ought to carry. The payload hash is taken from the body that arrived, never from a header,
/// so a changed body is a wrong signature.
/// </summary>
internal static class SignatureVersion4
{
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>The time that the client says it signed at; null when it does not say so in a readable way.</summary>
    public static DateTimeOffset? SignedAt(WireRequest request) =>
        DateTimeOffset.TryParseExact(
            request.Headers["X-Amz-Date"].ToString(),
            TimeFormat,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time)
            ? time
            : null;

    /// <summary>What must not be changed on the way and therefore must be signed: the host and every x-amz- header.</summary>
    public static bool SignsEnough(WireRequest request, SignatureHeader signature) =>
        signature.SignedHeaders.Contains("host") &&
        request.Headers.Keys
            .Where(name => name.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase))
            .All(name => signature.SignedHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));

    public static bool Matches(WireRequest request, SignatureHeader signature, string secret)
    {
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> presented = stackalloc byte[SHA256.HashSizeInBytes];
        Sign(request, signature, secret, expected);
        return Convert.FromHexString(signature.Signature, presented, out _, out _) == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(expected, presented);
    }

    private static void Sign(WireRequest request, SignatureHeader signature, string secret, Span<byte> result)
    {
        var text =
            $"AWS4-HMAC-SHA256\n{request.Headers["X-Amz-Date"]}\n{signature.Scope}\n"
            + $"{Hash(Encoding.UTF8.GetBytes(CanonicalRequest(request, signature)))}";

        var key = HMACSHA256.HashData(Encoding.UTF8.GetBytes("AWS4" + secret), Encoding.UTF8.GetBytes(signature.Date));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signature.Region));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signature.Service));
        key = HMACSHA256.HashData(key, "aws4_request"u8);
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text), result);
    }

    private static string CanonicalRequest(WireRequest request, SignatureHeader signature)
    {
        var text = new StringBuilder(1024);
        text.Append(request.Method).Append('\n').Append(request.Path).Append('\n').Append(CanonicalQuery(request.Query)).Append('\n');
        foreach (var name in signature.SignedHeaders)
        {
            text.Append(name)
                .Append(':')
                .AppendJoin(',', request.Headers[name].Select(value => CollapseSpaces(value ?? string.Empty)))
                .Append('\n');
        }

        text.Append('\n').AppendJoin(';', signature.SignedHeaders).Append('\n').Append(Hash(request.Body));
        return text.ToString();
    }

    private static string CanonicalQuery(string query)
    {
        if (query.Length == 0)
        {
            return query;
        }

        var pairs = query.Split('&').Select(pair => pair.Contains('=', StringComparison.Ordinal) ? pair : pair + "=");
        return string.Join('&', pairs.Order(StringComparer.Ordinal));
    }

    private static string CollapseSpaces(string value) =>
        string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
