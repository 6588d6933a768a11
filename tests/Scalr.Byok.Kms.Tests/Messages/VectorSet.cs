using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A folder of messages that others made, with what has to become of each.</summary>
internal sealed class VectorSet
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required List<Vector> Vectors { get; init; }

    /// <summary>The sets made for this project, next to the tests.</summary>
    public static string Own { get; } = Path.Combine(AppContext.BaseDirectory, "Vectors", "own");

    /// <summary>The sets published with AWS's SDKs, which the repository does not hold; null where there are none.</summary>
    public static string? Public()
    {
        string? root = Environment.GetEnvironmentVariable("BYOK_VECTORS");
        if (string.IsNullOrEmpty(root))
        {
            DirectoryInfo? repository = new(AppContext.BaseDirectory);
            while (repository is not null && !File.Exists(Path.Combine(repository.FullName, "Scalr.Byok.Kms.sln")))
            {
                repository = repository.Parent;
            }

            root = repository is null ? null : Path.Combine(repository.FullName, "..", "shared", "vectors");
        }

        return root is not null && Directory.Exists(Path.Combine(root, "public")) ? Path.Combine(root, "public") : null;
    }

    public static VectorSet Load(string folder)
    {
        using FileStream manifest = File.OpenRead(Path.Combine(folder, "manifest.json"));
        VectorSet set = JsonSerializer.Deserialize<VectorSet>(manifest, Options)!;
        foreach (Vector vector in set.Vectors)
        {
            vector.Message = File.ReadAllBytes(Path.Combine(folder, vector.Ciphertext));
        }

        return set;
    }
}

/// <summary>What a manifest says of one message; the fields of the header are null where it has none that can be read.</summary>
internal sealed class Vector
{
    public required string Name { get; init; }

    public required string Expect { get; init; }

    public required string Usable { get; init; }

    public string? Requirement { get; init; }

    public required string Ciphertext { get; init; }

    [JsonPropertyName("data_key_hex")]
    public string? DataKey { get; init; }

    public string? PlaintextSha256 { get; init; }

    public int? HeaderLength { get; init; }

    public uint? FrameLength { get; init; }

    public int? EdkCount { get; init; }

    public Dictionary<string, string>? HeaderEncryptionContext { get; init; }

    public List<string>? RequiredEncryptionContextKeys { get; init; }

    public Dictionary<string, string>? ReproducedEncryptionContext { get; init; }

    public List<VectorKey>? Edks { get; init; }

    [JsonIgnore]
    public byte[] Message { get; set; } = [];

    /// <summary>Whether the header's tag covers pairs that are not in the header, which this library does not offer.</summary>
    public bool HasUnstoredContext => RequiredEncryptionContextKeys is { Count: > 0 } || ReproducedEncryptionContext is { Count: > 0 };

    public override string ToString() => Name;
}

/// <summary>An encrypted data key in a manifest.</summary>
internal sealed class VectorKey
{
    public required string ProviderId { get; init; }

    [JsonPropertyName("provider_info_hex")]
    public required string ProviderInfo { get; init; }
}
