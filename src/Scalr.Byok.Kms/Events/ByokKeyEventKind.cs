using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>What has changed about a key, according to a <see cref="ByokKeyEvent"/>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ByokKeyEventKind>))]
public enum ByokKeyEventKind
{
    /// <summary>The kind is not known. The library never reports this value; it is the default value of the type.</summary>
    Unknown,

    /// <summary>
    /// The key will be deleted, its key material will expire, or kms:DescribeKey is denied, so that neither can be seen. Found by a query
    /// every <see cref="ByokKeyEventOptions.QueryInterval"/>. The end of a warning is not an event.
    /// </summary>
    Warned,

    /// <summary>AWS denies the use of the key, of kms:Encrypt or of kms:Decrypt. Someone has to act.</summary>
    Denied,

    /// <summary>AWS gives no usable answer, or the host's own identity or token source fails.</summary>
    Unreachable,

    /// <summary>The key can be used again after <see cref="Denied"/> or <see cref="Unreachable"/>: AWS has accepted a request.</summary>
    Restored,
}
