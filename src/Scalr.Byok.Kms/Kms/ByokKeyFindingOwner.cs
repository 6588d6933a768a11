using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>Who has to act on a <see cref="ByokKeyFinding"/>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ByokKeyFindingOwner>))]
public enum ByokKeyFindingOwner
{
    /// <summary>The owner is not known. The library never reports this value; it is the default value of the type.</summary>
    Unknown,

    /// <summary>The customer who owns the key. Show them the message and the remedy.</summary>
    Customer,

    /// <summary>The host's operator.</summary>
    Host,

    /// <summary>AWS. The problem passes without a change.</summary>
    Aws,
}
