using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>
/// Checks the permission of a caller. LocalAws does not model key policies: every key trusts its own account alone, whose IAM policies
/// decide.
/// </summary>
internal static class KmsPermission
{
    /// <exception cref="AwsException">AccessDeniedException.</exception>
    public static void Demand(KmsRequest request, string resource, string accountId, IReadOnlyDictionary<string, string>? context = null)
    {
        if (accountId != request.Caller.AccountId)
        {
            request.Caller.ThrowDenied(request.Action, resource, "no resource-based policy allows it");
        }

        var facts = request.Caller.Facts(request.Region).Add("kms:CallerAccount", request.Caller.AccountId);
        foreach (var (name, value) in context ?? new Dictionary<string, string>())
        {
            facts.Add("kms:EncryptionContext:" + name, value).Add("kms:EncryptionContextKeys", name);
        }

        request.Caller.Demand(request.Action, resource, facts);
    }
}
