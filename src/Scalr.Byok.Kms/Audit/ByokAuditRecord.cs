using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Scalr.Byok.Kms;

/// <summary>One request about a customer's key that was sent to AWS. Holds no secret and no value of an encryption context.</summary>
public sealed class ByokAuditRecord
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    /// <summary>
    /// A random id of the request: 32 hexadecimal digits. The user agent of the request has it as <c>md/byok-audit#</c> and the id, so AWS
    /// CloudTrail shows it also for a request that got no answer.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>When the request was sent, by the host's clock (UTC).</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>
    /// The action, as IAM names it: <c>kms:Encrypt</c>, <c>kms:Decrypt</c>, <c>kms:DescribeKey</c>, <c>sts:AssumeRole</c> or
    /// <c>sts:AssumeRoleWithWebIdentity</c>.
    /// </summary>
    public required string Operation { get; init; }

    /// <summary>Why the request was sent.</summary>
    public required ByokAuditCause Cause { get; init; }

    /// <summary>How the request ended.</summary>
    public required ByokAuditOutcome Outcome { get; init; }

    /// <summary>The tenant of <c>AddTenantKeyRings</c>, or the name of the ring of <c>AddKeyRing</c>; null for the unnamed ring.</summary>
    public string? Tenant { get; init; }

    /// <summary>True for a tenant of <c>AddTenantKeyRings</c>.</summary>
    public bool IsTenant { get; init; }

    /// <summary>The ARN of the key, in the Region of the request. For an STS action: the key that the session is for.</summary>
    public required string KeyArn { get; init; }

    /// <summary>The ARN of the role that an STS action assumes; null for the actions of AWS KMS.</summary>
    public string? RoleArn { get; init; }

    /// <summary>The Region that the request was sent to.</summary>
    public required string Region { get; init; }

    /// <summary>The names in the encryption context, in ordinal order. Empty without an encryption context.</summary>
    public IReadOnlyList<string> EncryptionContextNames { get; init; } = [];

    /// <summary>The request id of AWS, as AWS CloudTrail shows it; null if no answer of AWS arrived.</summary>
    public string? RequestId { get; init; }

    /// <summary>The error code of AWS; null for success, and if the answer has no readable code.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>The id of the key material that AWS KMS used. Only answers to kms:Decrypt have it; null otherwise.</summary>
    public string? KeyMaterialId { get; init; }

    /// <summary>
    /// The id of the trace that caused the request (W3C Trace Context); null if there is none. For a request that several callers share, it
    /// is that of the first caller.
    /// </summary>
    public string? TraceId { get; init; }

    /// <summary>Returns the record as one line of JSON. The format is stable.</summary>
    public string ToJson()
    {
        using var bytes = new MemoryStream();
        WriteTo(bytes);
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Reads the result of <see cref="ToJson"/>. Properties that this version does not know are ignored.</summary>
    /// <param name="json">The JSON of one record.</param>
    /// <param name="record">The record; null if the text is not one.</param>
    /// <returns>Whether the text is a record.</returns>
    public static bool TryParse(string? json, [NotNullWhen(true)] out ByokAuditRecord? record)
    {
        record = null;
        if (json is null)
        {
            return false;
        }

        try
        {
            // The depth of a record is 2. Deeper JSON is not read.
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            record = Read(document.RootElement);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            // Not JSON, a property of another type, a missing property, an unreadable time or name.
            return false;
        }
    }

    /// <inheritdoc cref="ToJson"/>
    public override string ToString() => ToJson();

    internal void WriteTo(Stream destination)
    {
        using var json = new Utf8JsonWriter(destination);
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("time", Time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));
        json.WriteString("operation", Operation);
        json.WriteString("cause", Cause.ToString());
        json.WriteString("outcome", Outcome.ToString());
        WriteIfAny(json, "tenant", Tenant);
        if (IsTenant)
        {
            json.WriteBoolean("isTenant", value: true);
        }

        json.WriteString("keyArn", KeyArn);
        WriteIfAny(json, "roleArn", RoleArn);
        json.WriteString("region", Region);
        if (EncryptionContextNames.Count > 0)
        {
            json.WriteStartArray("encryptionContextNames");
            foreach (var name in EncryptionContextNames)
            {
                json.WriteStringValue(name);
            }

            json.WriteEndArray();
        }

        WriteIfAny(json, "requestId", RequestId);
        WriteIfAny(json, "errorCode", ErrorCode);
        WriteIfAny(json, "keyMaterialId", KeyMaterialId);
        WriteIfAny(json, "traceId", TraceId);
        json.WriteEndObject();
    }

    private static void WriteIfAny(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static ByokAuditRecord Read(JsonElement json) => new()
    {
        Id = Required(json, "id"),
        Time = DateTimeOffset.ParseExact(
            Required(json, "time"), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
        Operation = Required(json, "operation"),
        Cause = Named<ByokAuditCause>(Required(json, "cause")),
        Outcome = Named<ByokAuditOutcome>(Required(json, "outcome")),
        Tenant = Optional(json, "tenant"),
        IsTenant = json.TryGetProperty("isTenant", out var isTenant) && isTenant.GetBoolean(),
        KeyArn = Required(json, "keyArn"),
        RoleArn = Optional(json, "roleArn"),
        Region = Required(json, "region"),
        EncryptionContextNames = json.TryGetProperty("encryptionContextNames", out var names)
            ? [.. names.EnumerateArray().Select(name => name.GetString() ?? throw new FormatException())]
            : [],
        RequestId = Optional(json, "requestId"),
        ErrorCode = Optional(json, "errorCode"),
        KeyMaterialId = Optional(json, "keyMaterialId"),
        TraceId = Optional(json, "traceId"),
    };

    private static string Required(JsonElement json, string name) => json.GetProperty(name).GetString() ?? throw new FormatException();

    private static string? Optional(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString() : null;

    // A value of a later version is Unknown, not an error.
    private static T Named<T>(string name)
        where T : struct, Enum => Enum.TryParse<T>(name, out var value) && Enum.IsDefined(value) ? value : default;
}
