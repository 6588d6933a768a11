using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Binds the messages of a ring to its tenant by a pair in the encryption context, or to nobody.</summary>
internal sealed class TenantBinding
{
    private readonly KeyValuePair<string, string>? _pair;
    private readonly EncryptionContext _alone = EncryptionContext.Empty;

    /// <param name="tenant">The tenant; null if to nobody.</param>
    public TenantBinding(string? tenant)
    {
        if (tenant is not null)
        {
            _pair = new(EncryptionContext.TenantKey, tenant);
            _alone = EncryptionContext.Create(null, nameof(tenant), _pair);
        }
    }

    /// <summary>The context of a new message: a caller's pairs and the tenant.</summary>
    /// <exception cref="ArgumentException">It cannot be written, or the caller has given the tenant.</exception>
    public EncryptionContext Bind(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        pairs is null ? _alone : EncryptionContext.Create(pairs, parameterName, _pair);

    /// <summary>Whether a message is this tenant's, as far as its context says, which AWS KMS will be asked to confirm.</summary>
    public bool Admits(EncryptionContext ofMessage) => ofMessage.Contains(_alone);
}
