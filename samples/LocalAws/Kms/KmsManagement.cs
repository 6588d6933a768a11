using System.Text.RegularExpressions;
using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>The operations on keys themselves, as far as AWS lets anyone reach them from outside.</summary>
internal sealed partial class KmsManagement
{
    private readonly Cloud _cloud;

    public KmsManagement(Cloud cloud)
    {
        _cloud = cloud;
    }

    public Answer DescribeKey(KmsRequest request)
    {
        var key = DemandKey(request);
        return KmsService.Success(json => KeyMetadata.Write(json, "KeyMetadata", key));
    }

    public Answer CreateKey(KmsRequest request)
    {
        var parameters = request.Parameters;
        RefusePolicy(parameters);
        var kind = new KeyKind(
            parameters.Text("KeySpec") ?? parameters.Text("CustomerMasterKeySpec") ?? "SYMMETRIC_DEFAULT",
            parameters.Text("KeyUsage") ?? "ENCRYPT_DECRYPT",
            parameters.Text("Origin") ?? "AWS_KMS",
            parameters.Flag("MultiRegion"));
        KmsPermission.Demand(request, "*", request.Caller.AccountId);
        var key = LocalKey.Create(_cloud, request.Caller.AccountId, request.Region, kind, parameters.Text("Description") ?? string.Empty);
        return KmsService.Success(json => KeyMetadata.Write(json, "KeyMetadata", key));
    }

    public Answer ReplicateKey(KmsRequest request)
    {
        RefusePolicy(request.Parameters);
        var region = request.Parameters.RequiredText("ReplicaRegion");
        var primary = DemandKey(request);
        var replica = primary.Replicate(region, request.Parameters.Text("Description") ?? string.Empty);

        // AWS announces a replica before it is ready; here it is ready by the next request.
        return KmsService.Success(json => KeyMetadata.Write(json, "ReplicaKeyMetadata", replica, LocalKeyState.Creating));
    }

    public Answer EnableKey(KmsRequest request)
    {
        DemandKey(request).Enable();
        return KmsService.SuccessWithoutBody();
    }

    public Answer DisableKey(KmsRequest request)
    {
        DemandKey(request).Disable();
        return KmsService.SuccessWithoutBody();
    }

    public Answer ScheduleKeyDeletion(KmsRequest request)
    {
        var days = request.Parameters.Number("PendingWindowInDays", 7, 30) ?? 30;
        var key = DemandKey(request);
        key.ScheduleDeletion(days);
        return KmsService.Success(json =>
        {
            json.WriteString("KeyId", key.Arn);
            KeyMetadata.WriteTime(json, "DeletionDate", key.DeletionDate);
            json.WriteString("KeyState", key.State);
            json.WriteNumber("PendingWindowInDays", days);
        });
    }

    public Answer CancelKeyDeletion(KmsRequest request)
    {
        var key = DemandKey(request);
        key.CancelDeletion();
        return KmsService.Success(json => json.WriteString("KeyId", key.Arn));
    }

    public Answer CreateAlias(KmsRequest request)
    {
        var name = request.Parameters.RequiredText("AliasName");
        if (!AliasForm().IsMatch(name) || name.StartsWith("alias/aws/", StringComparison.Ordinal))
        {
            throw new AwsException(
                "InvalidAliasNameException",
                "An alias must begin with alias/, not with alias/aws/, and have letters, digits and /_- only.");
        }

        var key = DemandKey(request, "TargetKeyId");
        var aliasArn = $"arn:aws:kms:{request.Region}:{request.Caller.AccountId}:{name}";
        KmsPermission.Demand(request, aliasArn, request.Caller.AccountId);
        return _cloud.TryAddAlias(aliasArn, key)
            ? KmsService.SuccessWithoutBody()
            : throw new AwsException("AlreadyExistsException", $"An alias with the name {aliasArn} already exists");
    }

    public Answer ListKeys(KmsRequest request)
    {
        var limit = request.Parameters.Number("Limit", 1, 1000) ?? 100;
        var marker = request.Parameters.Text("Marker") ?? string.Empty;
        KmsPermission.Demand(request, "*", request.Caller.AccountId);
        var keys = _cloud.Keys(request.Caller.AccountId, request.Region)
            .Where(key => string.CompareOrdinal(key.KeyId, marker) > 0)
            .OrderBy(key => key.KeyId, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToList();
        return KmsService.Success(json =>
        {
            json.WriteStartArray("Keys");
            foreach (var key in keys.Take(limit))
            {
                json.WriteStartObject();
                json.WriteString("KeyId", key.KeyId);
                json.WriteString("KeyArn", key.Arn);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("Truncated", keys.Count > limit);
            if (keys.Count > limit)
            {
                json.WriteString("NextMarker", keys[limit - 1].KeyId);
            }
        });
    }

    private static void RefusePolicy(KmsParameters parameters)
    {
        if (parameters.Text("Policy") is not null)
        {
            throw new AwsException(
                "UnsupportedOperationException", "LocalAws does not model key policies: IAM policies of the key's account decide.");
        }
    }

    private LocalKey DemandKey(KmsRequest request, string parameter = "KeyId")
    {
        var address = KeyAddress.Parse(_cloud, request.Parameters.RequiredText(parameter), request.Caller.AccountId, request.Region);
        KmsPermission.Demand(request, address.Arn, address.AccountId);
        return address.Demand();
    }

    [GeneratedRegex("^alias/[a-zA-Z0-9/_-]{1,250}$")]
    private static partial Regex AliasForm();
}
