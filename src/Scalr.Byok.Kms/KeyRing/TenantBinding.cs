using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// The pairs of the encryption context that bind a ring's messages to its tenant, and those of data keys to their purpose.
/// </summary>
internal sealed class TenantBinding
{
    private static readonly KeyValuePair<string, string> Purpose = new(EncryptionContext.PurposeKey, EncryptionContext.DataKeyPurpose);
    private static readonly EncryptionContext ForDataKeys = EncryptionContext.Create(null, "purpose", [Purpose]);

    private readonly KeyValuePair<string, string>[] _tenant = [];

    // Made once: most messages have no other pairs.
    private readonly EncryptionContext _alone = EncryptionContext.Empty;
    private readonly TenantNames? _names;

    /// <param name="tenant">The tenant; null if there is none.</param>
    /// <param name="names">The names that mean the same tenant; null if there are none.</param>
    public TenantBinding(string? tenant, TenantNames? names = null)
    {
        _names = names;
        if (tenant is not null)
        {
            _tenant = [new(EncryptionContext.TenantKey, tenant)];
            _alone = EncryptionContext.Create(null, nameof(tenant), _tenant);
        }
    }

    /// <summary>The context of a message for which a caller passes no pairs.</summary>
    public EncryptionContext Alone => _alone;

    /// <summary>The name of the tenant's pair, as UTF-8.</summary>
    public static ReadOnlySpan<byte> TenantKeyUtf8 => "scalr:tenant"u8;

    /// <summary>The context of a new message: a caller's pairs and the tenant.</summary>
    /// <exception cref="ArgumentException">The context is invalid, or contains a reserved name.</exception>
    public EncryptionContext Bind(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        // Create rejects reserved names in the caller's pairs. So no caller binds a message to another tenant or purpose.
        pairs is null ? _alone : EncryptionContext.Create(pairs, parameterName, _tenant);

    /// <summary>As <see cref="Bind"/>, for the message of a data key.</summary>
    public EncryptionContext BindDataKey(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        EncryptionContext.Create(pairs, parameterName, [.. _tenant, Purpose]);

    /// <summary>Whether a message names this tenant. Only a claim, until AWS KMS and the header tag prove the context.</summary>
    // A message keeps the spelling of the tenant's name that it was made with, so other spellings of the same tenant are admitted.
    public bool Admits(EncryptionContext ofMessage) => ofMessage.Contains(_alone)
        || (_names is not null && _tenant is [var own]
            && ofMessage.TryGetValue(TenantKeyUtf8, out var found) && _names.AreSame(found, own.Value));

    /// <summary>
    /// Whether a message names this tenant and has the pairs that a caller expects. A message that contains a data key matches only if the
    /// caller expects one, so that a raw key is not returned by accident.
    /// </summary>
    public bool Admits(EncryptionContext ofMessage, EncryptionContext expected) =>
        Admits(ofMessage) && ofMessage.Contains(expected) && (!ofMessage.Contains(ForDataKeys) || expected.Contains(ForDataKeys));

    /// <summary>Whether a message contains a data key of this tenant and has the pairs that a caller expects.</summary>
    public bool AdmitsDataKey(EncryptionContext ofMessage, EncryptionContext expected) =>
        Admits(ofMessage) && ofMessage.Contains(expected) && ofMessage.Contains(ForDataKeys);
}
