using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Scalr.Byok.Kms.Mutants;

/// <summary>One change that Stryker.NET can make to the library.</summary>
/// <param name="Id">Stryker's number. It activates the mutant.</param>
/// <param name="File">The source file, below the library's folder.</param>
/// <param name="Line">The line where the change begins.</param>
/// <param name="Mutator">The kind of change.</param>
/// <param name="Original">The source text that is replaced.</param>
/// <param name="Replacement">What takes its place.</param>
/// <param name="Rank">The place in the random order. It depends on the seed and the mutant alone.</param>
internal sealed record Mutant(int Id, string File, int Line, string Mutator, string Original, string Replacement, string Rank)
{
    private const string Library = "Scalr.Byok.Kms/";

    /// <summary>The folder of the library.</summary>
    public string Folder => File[..File.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>All mutants of Stryker's report that can be tested, in random order.</summary>
    public static List<Mutant> ReadAll(string report, string seed)
    {
        using var json = JsonDocument.Parse(System.IO.File.ReadAllText(report));
        List<Mutant> found = [];
        foreach (var file in json.RootElement.GetProperty("files").EnumerateObject())
        {
            var path = file.Name.Replace('\\', '/');
            path = path[(path.LastIndexOf(Library, StringComparison.Ordinal) is var at and >= 0 ? at + Library.Length : 0)..];
            var lines = file.Value.GetProperty("source").GetString()!.Split('\n');
            Dictionary<string, int> seen = [];
            foreach (var mutant in file.Value.GetProperty("mutants").EnumerateArray())
            {
                if (mutant.GetProperty("status").GetString() is "Ignored" or "CompileError")
                {
                    continue;
                }

                var (start, end) = (mutant.GetProperty("location").GetProperty("start"), mutant.GetProperty("location").GetProperty("end"));
                var original = Between(lines, Place(start), Place(end));
                var mutator = mutant.GetProperty("mutatorName").GetString()!;
                var replacement = Squeeze(mutant.GetProperty("replacement").GetString()!);
                var key = $"{path}|{mutator}|{original}|{replacement}";
                seen[key] = seen.GetValueOrDefault(key) + 1; // the same text may stand in a file more than once
                var rank = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}|{key}|{seen[key]}")));
                var id = int.Parse(mutant.GetProperty("id").GetString()!, CultureInfo.InvariantCulture);
                found.Add(new Mutant(id, path, Place(start).Line + 1, mutator, original, replacement, rank));
            }
        }

        return [.. found.OrderBy(mutant => mutant.Rank, StringComparer.Ordinal)];
    }

    public override string ToString() => $"{Id}\t{File}:{Line}\t{Mutator}\t{Shorten(Original)}\t=>\t{Shorten(Replacement)}";

    private static (int Line, int Column) Place(JsonElement place) =>
        (place.GetProperty("line").GetInt32() - 1, place.GetProperty("column").GetInt32() - 1);

    private static string Between(string[] lines, (int Line, int Column) start, (int Line, int Column) end)
    {
        if (start.Line == end.Line)
        {
            return lines[start.Line][start.Column..end.Column];
        }

        var middle = lines[(start.Line + 1)..end.Line];
        return Squeeze(string.Join(' ', [lines[start.Line][start.Column..], .. middle, lines[end.Line][..end.Column]]));
    }

    private static string Squeeze(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Shorten(string text) => text.Length <= 160 ? text : $"{text[..100]} … {text[^50..]}";
}
