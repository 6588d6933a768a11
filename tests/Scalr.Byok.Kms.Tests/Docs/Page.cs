using System.Text.RegularExpressions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>A page of documentation in the repository.</summary>
/// <param name="Path">The path, relative to the repository.</param>
/// <param name="Text">The content, with line feeds.</param>
internal sealed partial record Page(string Path, string Text)
{
    /// <summary>README, ARCHITECTURE, the pages beside the library, the pages of the samples, and those of .github.</summary>
    public static IReadOnlyList<Page> All { get; } =
    [
        Read("README.md"),
        Read("ARCHITECTURE.md"),
        .. Below("src/Scalr.Byok.Kms"),
        .. Below("samples"),
        .. Below(".github"),
    ];

    public static Page Readme => All[0];

    public static Page Read(string path) => new(path, File.ReadAllText(Repository.Path(path)).ReplaceLineEndings("\n"));

    public static Page Docs(string name) => Read($"src/Scalr.Byok.Kms/docs/{name}.md");

    /// <summary>The blocks in one language, as they are.</summary>
    public IReadOnlyList<string> Blocks(string language) =>
        [.. Block().Matches(Text).Where(match => match.Groups["language"].Value == language).Select(match => match.Groups["text"].Value)];

    /// <summary>The cells of each row of each table below a heading, without the head of the table.</summary>
    public IReadOnlyList<string[]> Rows(string heading)
    {
        var lines = Text.Split('\n');
        var begin = Array.FindIndex(lines, line => line.TrimStart('#').Trim() == heading && line.StartsWith('#'));
        Assert.That(begin, Is.Not.Negative, $"{Path} has a heading '{heading}'");
        return
        [
            .. lines.Skip(begin + 1).TakeWhile(line => !line.StartsWith('#')).Where(line => line.StartsWith('|'))
                .Select(line => Cell().Split(line.Trim().Trim('|')).Select(cell => cell.Trim()).ToArray())
                .Where(cells => !cells[0].StartsWith("---", StringComparison.Ordinal)),
        ];
    }

    public override string ToString() => Path;

    private static IEnumerable<Page> Below(string folder) => Repository.FilesIn(folder)
        .Where(path => path.EndsWith(".md", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(Read);

    [GeneratedRegex("^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Cell();
}
