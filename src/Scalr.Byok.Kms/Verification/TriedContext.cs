using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Verification;

/// <summary>The encryption context of a verification: the pairs that a key ring sends to AWS KMS, the tenant's included.</summary>
internal static class TriedContext
{
    /// <exception cref="ArgumentException">A key ring of the tenant cannot send the pairs.</exception>
    public static IReadOnlyDictionary<string, string> Of(ByokVerificationOptions options, string parameterName)
    {
        if (options.Tenant is { } tenant && (tenant.Length == 0 || ContextSection.Measure(tenant) is null))
        {
            throw new ArgumentException("The tenant's name is empty or is not valid Unicode.", parameterName);
        }

        var binding = new TenantBinding(options.Tenant);
        var pairs = options.EncryptionContext;
        var context = pairs is not null && IsOfDataKey(pairs)
            ? binding.BindDataKey(pairs.Where(pair => pair.Key != EncryptionContext.PurposeKey).ToDictionary(), parameterName)
            : binding.Bind(pairs, parameterName);
        return context.Pairs;
    }

    private static bool IsOfDataKey(IReadOnlyDictionary<string, string> pairs) =>
        pairs.TryGetValue(EncryptionContext.PurposeKey, out var purpose) && purpose == EncryptionContext.DataKeyPurpose;
}
