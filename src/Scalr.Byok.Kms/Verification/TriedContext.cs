using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Verification;

/// <summary>The encryption context of a verification: the pairs that a key ring sends to AWS KMS, including the tenant's.</summary>
internal static class TriedContext
{
    /// <exception cref="ArgumentException">A key ring of the tenant cannot send the pairs.</exception>
    public static IReadOnlyDictionary<string, string> Of(string? tenant, ByokVerificationOptions options, string parameterName)
    {
        var binding = new TenantBinding(tenant);
        var context = options.ForDataKeys
            ? binding.BindDataKey(options.EncryptionContext, parameterName)
            : binding.Bind(options.EncryptionContext, parameterName);
        return context.Pairs;
    }
}
