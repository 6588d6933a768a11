using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Source-generated JSON, for Native AOT.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(StoredKeySettings))]
internal sealed partial class StoredKeySettingsContext : JsonSerializerContext;
