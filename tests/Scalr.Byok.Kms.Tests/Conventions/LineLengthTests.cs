using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>
/// A line of C# or Markdown has at most 140 characters. A raw string, and a table or a code block of Markdown, may be wider: a break would
/// change it. README.md has a limit of its own, in lines.
/// </summary>
internal sealed class LineLengthTests
{
    private const int Most = 140;
    private const string Quotes = "\"\"\"";

    private static readonly string[] Folders = ["src", "tests", "samples", ".github"];

    [Test]
    public void No_line_is_longer_than_140_characters()
    {
        var files = Repository.FilesIn(Folders).Where(path => Path.GetExtension(path) is ".cs" or ".md").Append("ARCHITECTURE.md").ToList();

        Assert.That(files, Has.Count.GreaterThan(500), "the repository's files are found");
        Assert.That(
            files.SelectMany(path => TooLong(path, File.ReadAllLines(Repository.Path(path))), (path, line) => $"{path}:{line}"),
            Is.Empty);
    }

    [TestCase("a.cs", "", 0)]
    [TestCase("a.cs", "x", 1)]
    [TestCase("a.md", "", 0)]
    [TestCase("a.md", "x", 1)]
    public void A_longer_line_is_found(string name, string more, int lines) =>
        Assert.That(TooLong(name, [new string('x', Most) + more, ""]), Has.Exactly(lines).Items);

    [Test]
    public void Tables_and_code_blocks_of_Markdown_may_be_wider()
    {
        var wide = new string('x', Most + 1);

        Assert.That(TooLong("a.md", [$"| {wide} |", "```csharp", wide, "```", wide]), Is.EqualTo((int[])[5]));
    }

    [Test]
    public void A_raw_string_may_be_wider()
    {
        var wide = new string('x', Most + 1);

        Assert.That(TooLong("a.cs", [$"{Quotes}{wide}{Quotes}", wide, $"x = {Quotes}", wide, $"{Quotes};", wide]),
            Is.EqualTo((int[])[2, 6]));
    }

    /// <summary>The numbers of the lines that are too long.</summary>
    private static IEnumerable<int> TooLong(string name, string[] lines)
    {
        var (isMarkdown, isInside) = (name.EndsWith(".md", StringComparison.Ordinal), false);
        var fence = isMarkdown ? "```" : Quotes;
        for (var i = 0; i < lines.Length; i++)
        {
            var fences = isMarkdown ? (lines[i].TrimStart().StartsWith(fence, StringComparison.Ordinal) ? 1 : 0)
                : lines[i].Split(fence).Length - 1;
            var mayBeWide = isInside || fences > 0 || (isMarkdown && lines[i].StartsWith('|'));
            isInside ^= fences % 2 == 1;
            if (lines[i].Length > Most && !mayBeWide)
            {
                yield return i + 1;
            }
        }
    }
}
