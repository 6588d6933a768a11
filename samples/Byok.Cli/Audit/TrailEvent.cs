using System.Globalization;
using System.Text.Json;

namespace Byok.Cli.Audit;

/// <summary>What is needed of one event of AWS CloudTrail.</summary>
/// <param name="Operation">The action, as IAM names it.</param>
/// <param name="Time">When AWS completed the request, by whole seconds.</param>
/// <param name="RequestId">The request id; empty if the event has none.</param>
/// <param name="Resource">The ARN of the key or role; null if the event has none, as some failures do.</param>
/// <param name="Principal">The caller: the ARN of the user, or of the role behind a session; otherwise its id. Null if not known.</param>
/// <param name="UserAgent">The user agent.</param>
/// <param name="ErrorCode">The error code; null for success.</param>
internal sealed record TrailEvent(
    string Operation, DateTimeOffset Time, string RequestId, string? Resource, string? Principal, string UserAgent, string? ErrorCode)
{
    private const string IdName = "md/byok-audit#";
    private const int IdLength = 32;

    /// <summary>The id of the host's audit record that the user agent names; null if it names none.</summary>
    public string? RecordId => UserAgent.IndexOf(IdName, StringComparison.Ordinal) is var at and >= 0
        && UserAgent.Length >= at + IdName.Length + IdLength
            ? UserAgent.Substring(at + IdName.Length, IdLength)
            : null;

    /// <summary>Whether the library sent the request.</summary>
    public bool IsOfLibrary => UserAgent.Contains("app/Scalr.Byok.Kms", StringComparison.Ordinal);

    /// <summary>Reads an event; null for an event of another operation.</summary>
    public static TrailEvent? Of(JsonElement json)
    {
        var operation = (Text(json, "eventSource"), Text(json, "eventName")) switch
        {
            ("kms.amazonaws.com", ("Encrypt" or "Decrypt" or "DescribeKey") and var name) => $"kms:{name}",
            ("sts.amazonaws.com", ("AssumeRole" or "AssumeRoleWithWebIdentity") and var name) => $"sts:{name}",
            _ => null,
        };
        if (operation is null)
        {
            return null;
        }

        var parameters = Child(json, "requestParameters");
        var identity = Child(json, "userIdentity");
        return new TrailEvent(
            operation,
            DateTimeOffset.TryParse(
                Text(json, "eventTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : default,
            Text(json, "requestID") ?? "",
            Arn(Text(parameters, operation[0] == 'k' ? "keyId" : "roleArn")) ?? Arn(FirstResource(json)),
            Text(Child(Child(identity, "sessionContext"), "sessionIssuer"), "arn")
                ?? Text(identity, "arn") ?? Text(identity, "principalId"),
            Text(json, "userAgent") ?? "",
            Text(json, "errorCode"));
    }

    private static string? Arn(string? text) => text?.StartsWith("arn:", StringComparison.Ordinal) == true ? text : null;

    private static string? FirstResource(JsonElement json) =>
        Child(json, "resources") is { ValueKind: JsonValueKind.Array } resources && resources.GetArrayLength() > 0
            ? Text(resources[0], "ARN")
            : null;

    private static JsonElement Child(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var child) ? child : default;

    private static string? Text(JsonElement json, string name)
    {
        try
        {
            return Child(json, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, escaped: valid JSON, but not valid text.
            return null;
        }
    }
}
