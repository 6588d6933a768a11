using System.Text.Json;
using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>KMS over its own protocol, JSON 1.1: the operation in X-Amz-Target, the parameters in the body.</summary>
internal sealed class KmsService : IService
{
    public const string TargetPrefix = "TrentService.";

    private const string ContentType = "application/x-amz-json-1.1";

    private readonly Cloud _cloud;
    private readonly Dictionary<string, KmsOperation> _operations;

    public KmsService(Cloud cloud)
    {
        _cloud = cloud;
        var cryptography = new KmsCryptography(cloud);
        var management = new KmsManagement(cloud);
        _operations = new Dictionary<string, KmsOperation>(StringComparer.Ordinal)
        {
            ["Encrypt"] = cryptography.Encrypt,
            ["Decrypt"] = cryptography.Decrypt,
            ["GenerateDataKey"] = cryptography.GenerateDataKey,
            ["DescribeKey"] = management.DescribeKey,
            ["CreateKey"] = management.CreateKey,
            ["ReplicateKey"] = management.ReplicateKey,
            ["EnableKey"] = management.EnableKey,
            ["DisableKey"] = management.DisableKey,
            ["ScheduleKeyDeletion"] = management.ScheduleKeyDeletion,
            ["CancelKeyDeletion"] = management.CancelKeyDeletion,
            ["CreateAlias"] = management.CreateAlias,
            ["ListKeys"] = management.ListKeys,
        };
    }

    public string Name => "kms";

    public Call Open(WireRequest request)
    {
        var operation = request.Headers["X-Amz-Target"].ToString()[TargetPrefix.Length..];
        return new KmsCall(_cloud, operation, _operations.GetValueOrDefault(operation), request);
    }

    public Answer Refuse(AwsException error)
    {
        var body = Write(json =>
        {
            json.WriteString("__type", error.Code);
            if (error.Text is not null)
            {
                json.WriteString("message", error.Text);
            }
        });
        return new Answer(error.Status, ContentType, body) { ErrorCode = error.Code, RetryAfter = error.RetryAfter };
    }

    public AwsException Refusal(NotAuthenticatedException reason) => new(
        reason.Reason switch
        {
            NotAuthenticated.Unsigned => "MissingAuthenticationTokenException",
            NotAuthenticated.Incomplete => "IncompleteSignatureException",
            NotAuthenticated.UnknownCredentials => "UnrecognizedClientException",
            NotAuthenticated.Expired => "ExpiredTokenException",
            _ => "InvalidSignatureException",
        },
        reason.Message);

    internal static Answer Success(Action<Utf8JsonWriter> members) => new(StatusCodes.Status200OK, ContentType, Write(members));

    internal static Answer SuccessWithoutBody() => new(StatusCodes.Status200OK, ContentType, []);

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}
