using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// The pairs of the encryption context that bind a ring's messages to its tenant, and those of data keys to their purpose.
/// </summary>
internal sealed class TenantBinding
{
    private static readonly KeyValuePair<string, string> Purpose = new(EncryptionContext.PurposeKey, EncryptionContext.DataKeyPurpose);
    private static readonly EncryptionContext ForDataKeys = EncryptionContext.Create(null, "purpose", [Purpose]);

    private readonly string? _tenant;
    private readonly TenantNames? _names;

    // Made on first use, because most rings are idle, and once, because most messages have no other pairs. Two threads may make one each.
    private EncryptionContext? _alone;

    /// <param name="tenant">The tenant; null if there is none.</param>
    /// <param name="names">The names that mean the same tenant; null if there are none.</param>
    public TenantBinding(string? tenant, TenantNames? names = null)
    {
        _names = names;
        _tenant = tenant;
    }

    /// <summary>The context of a message for which a caller passes no pairs.</summary>
    public EncryptionContext Alone => _alone ??= EncryptionContext.Create(null, "tenant", Tenant);

    /// <summary>The pair of the tenant; nothing if there is none.</summary>
    private KeyValuePair<string, string>[] Tenant => _tenant is null ? [] : [new(EncryptionContext.TenantKey, _tenant)];

    /// <summary>The name of the tenant's pair, as UTF-8.</summary>
    public static ReadOnlySpan<byte> TenantKeyUtf8 => "scalr:tenant"u8;

    /// <summary>The context of a new message: a caller's pairs and the tenant.</summary>
    /// <exception cref="ArgumentException">The context is invalid, or contains a reserved name.</exception>
    public EncryptionContext Bind(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        // Create rejects reserved names in the caller's pairs. So no caller binds a message to another tenant or purpose.
        pairs is null ? Alone : EncryptionContext.Create(pairs, parameterName, Tenant);

    /// <summary>As <see cref="Bind"/>, for the message of a data key.</summary>
    public EncryptionContext BindDataKey(IReadOnlyDictionary<string, string>? pairs, string parameterName) =>
        EncryptionContext.Create(pairs, parameterName, [.. Tenant, Purpose]);

    /// <summary>Whether a message names this tenant. Only a claim, until AWS KMS and the header tag prove the context.</summary>
    // A message keeps the spelling of the tenant's name that it was made with, so other spellings of the same tenant are admitted.
    public bool Admits(EncryptionContext ofMessage) => ofMessage.Contains(Alone)
        || (_names is not null && _tenant is not null
            && ofMessage.TryGetValue(TenantKeyUtf8, out var found) && _names.AreSame(found, _tenant));

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
