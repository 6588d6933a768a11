using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>The severity of a <see cref="ByokKeyFinding"/>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ByokKeyFindingSeverity>))]
public enum ByokKeyFindingSeverity
{
    /// <summary>
    /// The severity is not known, so the finding counts as a warning. The library never reports this value; it is the default value of the
    /// type.
    /// </summary>
    Unknown,

    /// <summary>A fact about the key. The key is healthy.</summary>
    Information,

    /// <summary>The key works, but something is missing or will fail later. The key is degraded.</summary>
    Warning,

    /// <summary>The key cannot be used. The key is unhealthy.</summary>
    Error,
}
