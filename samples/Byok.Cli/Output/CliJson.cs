using System.Text.Json;
using System.Text.Json.Serialization;
using Byok.Cli.Audit;
using Byok.Cli.Files;
using Byok.Cli.Local;
using Scalr.Byok.Kms;

namespace Byok.Cli.Output;

/// <summary>What --json prints, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(ByokVerification))]
[JsonSerializable(typeof(ByokKeyHealth))]
[JsonSerializable(typeof(MessageReport))]
[JsonSerializable(typeof(FilesReport))]
[JsonSerializable(typeof(LocalReport))]
[JsonSerializable(typeof(ReencryptionCount))]
[JsonSerializable(typeof(Finding))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>The same on one line, for output with several documents.</summary>
    public static CliJson Compact() => new(new JsonSerializerOptions(Default.Options) { WriteIndented = false });
}
