using System.Text.Json;
using System.Text.Json.Serialization;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A folder of messages that others made, with what has to become of each.</summary>
internal sealed class VectorSet
{
    public const string Variable = "BYOK_VECTORS";

    private static readonly string[] Parts = ["own", "public"];

    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    [JsonPropertyName("set")]
    public required string Name { get; init; }

    /// <summary>How many vectors the manifest says it has.</summary>
    public required int Count { get; init; }

    public required List<Vector> Vectors { get; init; }

    /// <summary>The sets made for this project, next to the tests.</summary>
    public static string Own { get; } = Path.Combine(AppContext.BaseDirectory, "Vectors", "own");

    /// <summary>
    /// The sets published with AWS's SDKs, which the repository does not hold, in the folder beside it; null where there are none.
    /// </summary>
    public static string? Public => Repository.Path("../shared/vectors/public") is var folder && Directory.Exists(folder) ? folder : null;

    /// <summary>
    /// Every set in the folder that <see cref="Variable"/> names, which holds <c>own</c> or <c>public</c> or both; null if it names none.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">
    /// It names a folder without a set: a slip that must not pass for a folder that is not there.
    /// </exception>
    public static IReadOnlyList<VectorSet>? Named()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } root)
        {
            return null;
        }

        VectorSet[] sets =
        [
            .. Parts
                .Select(part => Path.Combine(root, part))
                .Where(Directory.Exists)
                .SelectMany(Directory.GetDirectories)
                .Order(StringComparer.Ordinal)
                .Select(Load),
        ];
        return sets is not []
            ? sets
            : throw new DirectoryNotFoundException($"{Variable} names {root}, where neither own/ nor public/ holds a set.");
    }

    public static VectorSet Load(string folder)
    {
        using var manifest = File.OpenRead(Path.Combine(folder, "manifest.json"));
        var set = JsonSerializer.Deserialize<VectorSet>(manifest, Options)!;
        foreach (var vector in set.Vectors)
        {
            vector.Message = File.ReadAllBytes(Path.Combine(folder, vector.Ciphertext));
        }

        return set;
    }
}
