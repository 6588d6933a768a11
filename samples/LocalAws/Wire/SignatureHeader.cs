using System.Text.RegularExpressions;

namespace LocalAws.Wire;

/// <summary>The Authorization header of Signature Version 4, taken apart.</summary>
internal sealed partial record SignatureHeader(
    string AccessKeyId, string Date, string Region, string Service, IReadOnlyList<string> SignedHeaders, string Signature)
{
    public string Scope => $"{Date}/{Region}/{Service}/aws4_request";

    public static SignatureHeader? TryParse(string header)
    {
        var match = Form().Match(header);
        return match.Success
            ? new SignatureHeader(
                match.Groups["id"].Value,
                match.Groups["date"].Value,
                match.Groups["region"].Value,
                match.Groups["service"].Value,
                match.Groups["headers"].Value.Split(';'),
                match.Groups["signature"].Value)
            : null;
    }

    [GeneratedRegex(
        @"^AWS4-HMAC-SHA256\s+Credential=(?<id>\w{8,128})/(?<date>\d{8})/(?<region>[a-z0-9-]{1,32})/" +
        @"(?<service>[a-z0-9-]{1,32})/aws4_request," +
        @"\s*SignedHeaders=(?<headers>[a-z0-9-]+(;[a-z0-9-]+)*),\s*Signature=(?<signature>[0-9a-f]{64})$",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
