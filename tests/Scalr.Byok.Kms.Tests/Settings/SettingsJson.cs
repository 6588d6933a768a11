using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>A host's source-generated JSON of the settings.</summary>
[JsonSerializable(typeof(ByokKeySettings))]
[JsonSerializable(typeof(ByokOptions))]
internal sealed partial class SettingsJson : JsonSerializerContext;
