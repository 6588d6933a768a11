using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>What a ring's messages are bound to by pairs in the encryption context: to its tenant or to nobody, and those of data keys to being that.</summary>
internal sealed class TenantBinding
{
    private static readonly KeyValuePair<string, string> Purpose = new(EncryptionContext.PurposeKey, EncryptionContext.DataKeyPurpose);
    private static readonly EncryptionContext ForDataKeys = EncryptionContext.Create(null, "purpose", [Purpose]);

    private readonly KeyValuePair<string, string>[] _tenant = [];
    private readonly EncryptionContext _alone = EncryptionContext.Empty;
    private readonly TenantNames? _names;

    /// <param name="tenant">The tenant; null if to nobody.</param>
    /// <param name="names">The other names that mean the tenant; null if there are none.</param>
    public TenantBinding(string? tenant, TenantNames? names = null)
    {
        _names = names;
        if (tenant is not null)
        {
            _tenant = [new(EncryptionContext.TenantKey, tenant)];
            _alone = EncryptionContext.Create(null, nameof(tenant), _tenant);
        }
    }

    /// <summary>The context of a message without a caller's pairs.</summary>
    public EncryptionContext Alone => _alone;

    /// <summary>The key of the tenant's pair, as UTF-8.</summary>
    public static ReadOnlySpan<byte> TenantKey => "scalr:tenant"u8;

    /// <summary>The context of a new message: a caller's pairs and the tenant.</summary>
    /// <exception cref="ArgumentException">It cannot be written, or the caller has given the tenant or the purpose.</exception>
    public EncryptionContext Bind(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        pairs is null ? _alone : EncryptionContext.Create(pairs, parameterName, _tenant);

    /// <summary>As <see cref="Bind"/>, for the message of a data key.</summary>
    public EncryptionContext BindDataKey(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        EncryptionContext.Create(pairs, parameterName, [.. _tenant, Purpose]);

    /// <summary>Whether a message is this tenant's, as far as its context says, which AWS KMS will be asked to confirm.</summary>
    public bool Admits(EncryptionContext ofMessage) => ofMessage.Contains(_alone)
        || (_names is not null && _tenant is [var own] && ofMessage.TryGetValue(TenantKey, out var found) && _names.AreSame(found, own.Value));

    /// <summary>Whether a message is this tenant's and what a caller expects. One that holds a data key is what only a caller expects who says so.</summary>
    public bool Admits(EncryptionContext ofMessage, EncryptionContext expected) =>
        Admits(ofMessage) && ofMessage.Contains(expected) && (!ofMessage.Contains(ForDataKeys) || expected.Contains(ForDataKeys));

    /// <summary>Whether a message holds a data key of this tenant, and is what a caller expects.</summary>
    public bool AdmitsDataKey(EncryptionContext ofMessage, EncryptionContext expected) =>
        Admits(ofMessage) && ofMessage.Contains(expected) && ofMessage.Contains(ForDataKeys);
}
