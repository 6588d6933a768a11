using System.Globalization;
using System.Text.Json;
using LocalAws.Iam;

namespace LocalAws;

/// <summary>
/// One request as AWS CloudTrail shows it to the account that owns the key or role. The fields are those of the examples in the KMS
/// Developer Guide ("Log entries for AWS KMS") and the IAM User Guide ("Logging IAM and AWS STS API calls with AWS CloudTrail").
/// </summary>
/// <param name="Request">The request.</param>
/// <param name="Caller">The caller; null for a request that is proved by a token.</param>
/// <param name="ErrorCode">The error code of the answer; null for success.</param>
internal sealed record TrailEvent(LoggedRequest Request, Caller? Caller, string? ErrorCode)
{
    private const int FlushAt = 64 * 1024;

    public IReadOnlyDictionary<string, string>? EncryptionContext { get; init; }

    public string? SessionName { get; init; }

    public string? KeyMaterialId { get; init; }

    // The account that owns the key or role.
    private string? Recipient => Request.Key?.Split(':') is [_, _, _, _, var account, ..] ? account : Caller?.AccountId;

    public static async Task WriteAsync(Stream destination, TrailEvent[] events, CancellationToken cancellationToken)
    {
        await using var json = new Utf8JsonWriter(destination);
        json.WriteStartObject();
        json.WriteStartArray("Records");
        foreach (var one in events)
        {
            one.Write(json);
            if (json.BytesPending >= FlushAt)
            {
                await json.FlushAsync(cancellationToken);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellationToken);
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("eventVersion", "1.11");
        WriteIdentity(json);
        json.WriteString("eventTime", Request.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteString("eventSource", $"{Request.Service}.amazonaws.com");
        json.WriteString("eventName", Request.Operation);
        json.WriteString("awsRegion", Request.Region);
        json.WriteString("sourceIPAddress", "127.0.0.1");
        json.WriteString("userAgent", Request.UserAgent);
        if (ErrorCode is not null)
        {
            json.WriteString("errorCode", ErrorCode);
        }

        WriteParameters(json);
        json.WriteNull("responseElements");
        if (KeyMaterialId is not null)
        {
            json.WriteStartObject("additionalEventData");
            json.WriteString("keyMaterialId", KeyMaterialId);
            json.WriteEndObject();
        }

        json.WriteString("requestID", Request.RequestId);
        json.WriteString("eventID", Guid.NewGuid());
        json.WriteBoolean("readOnly", value: true);
        if (Request.Key is { } key)
        {
            json.WriteStartArray("resources");
            json.WriteStartObject();
            json.WriteString("accountId", Recipient);
            json.WriteString("type", Request.Service == "kms" ? "AWS::KMS::Key" : "AWS::IAM::Role");
            json.WriteString("ARN", key);
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteString("eventType", "AwsApiCall");
        json.WriteBoolean("managementEvent", value: true);
        json.WriteString("recipientAccountId", Recipient);
        json.WriteString("eventCategory", "Management");
        json.WriteEndObject();
    }

    private void WriteParameters(Utf8JsonWriter json)
    {
        json.WriteStartObject("requestParameters");
        if (Request.Service == "kms")
        {
            json.WriteString("keyId", Request.Key);
        }
        else
        {
            json.WriteString("roleArn", Request.Key);
            json.WriteString("roleSessionName", SessionName);
        }

        if (EncryptionContext is { Count: > 0 } context)
        {
            json.WriteStartObject("encryptionContext");
            foreach (var (name, value) in context)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void WriteIdentity(Utf8JsonWriter json)
    {
        json.WriteStartObject("userIdentity");
        if (Caller is null)
        {
            json.WriteString("type", "WebIdentityUser");
        }
        else if (Caller.AccountId != Recipient)
        {
            // Another account's caller has no ARN in the owner's events.
            json.WriteString("type", "AWSAccount");
            json.WriteString("principalId", Caller.UserId);
            json.WriteString("accountId", Caller.AccountId);
        }
        else
        {
            json.WriteString("type", Caller.IsRoleSession ? "AssumedRole" : "IAMUser");
            json.WriteString("principalId", Caller.UserId);
            json.WriteString("arn", Caller.Arn);
            json.WriteString("accountId", Caller.AccountId);
            if (Caller.IsRoleSession)
            {
                json.WriteStartObject("sessionContext");
                json.WriteStartObject("sessionIssuer");
                json.WriteString("type", "Role");
                json.WriteString("arn", Caller.PrincipalArn);
                json.WriteEndObject();
                json.WriteEndObject();
            }
        }

        json.WriteEndObject();
    }
}
