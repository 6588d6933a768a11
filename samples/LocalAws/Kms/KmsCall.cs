using System.Text.Json;
using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>What one KMS operation does with its parameters.</summary>
internal delegate Answer KmsOperation(KmsRequest request);

/// <summary>A request whose caller is known.</summary>
internal sealed record KmsRequest(string Operation, string Region, Caller Caller, KmsParameters Parameters)
{
    public string Action => "kms:" + Operation;
}

/// <summary>One request to KMS on its way from the wire to its operation.</summary>
internal sealed class KmsCall : Call
{
    private readonly KmsOperation? _operation;
    private readonly string _region;
    private readonly JsonElement? _json;

    public KmsCall(Cloud cloud, string name, KmsOperation? operation, WireRequest request)
    {
        Operation = name;
        _operation = operation;
        _region = request.Region;
        _json = Parse(request.Body);
        Subject = FindSubject(cloud, request);
    }

    public override string Operation { get; }

    public override string? Subject { get; }

    public override IReadOnlyDictionary<string, string>? EncryptionContext
    {
        get
        {
            try
            {
                return _json is { } json ? new KmsParameters(json).EncryptionContext() : null;
            }
            catch (Exception error) when (error is AwsException or InvalidOperationException)
            {
                return null;
            }
        }
    }

    public override Task<Answer> AnswerAsync(Caller? caller, CancellationToken cancellationToken)
    {
        var operation = _operation ?? throw new AwsException("UnknownOperationException", $"LocalAws has no KMS operation {Operation}.");
        var json = _json ?? throw new AwsException("SerializationException", "The body is not a JSON object.");
        return Task.FromResult(operation(new KmsRequest(Operation, _region, caller!, new KmsParameters(json))));
    }

    private static JsonElement? Parse(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var json = document.RootElement.Clone();
            return json.ValueKind == JsonValueKind.Object ? json : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>For the log and the faults, not for decisions: the caller is not verified yet.</summary>
    private string? FindSubject(Cloud cloud, WireRequest request)
    {
        if (_json is not { } json)
        {
            return null;
        }

        var named = Text(json, Operation == "CreateAlias" ? "TargetKeyId" : "KeyId");
        try
        {
            var accountId = request.Signature is { } signature ? cloud.FindIdentity(signature.AccessKeyId)?.Caller.AccountId : null;
            return named is null ? KeyOfCiphertext(cloud, json) : KeyAddress.Parse(cloud, named, accountId ?? "000000000000", _region).Arn;
        }
        catch (AwsException)
        {
            return named;
        }
    }

    private static string? Text(JsonElement json, string name)
    {
        try
        {
            return json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, escaped: valid JSON, but not valid text.
            return null;
        }
    }

    private string? KeyOfCiphertext(Cloud cloud, JsonElement json) =>
        json.TryGetProperty("CiphertextBlob", out var blob)
        && blob.ValueKind == JsonValueKind.String && blob.TryGetBytesFromBase64(out var bytes)
            ? cloud.FindKey(_region, CiphertextBlob.KeyIdOf(bytes))?.Arn
            : null;
}
