using System.Text.RegularExpressions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>Keeps comments, texts and pages in plain English: PlainWords.txt lists the phrases that must not return.</summary>
internal sealed partial class PlainWordsTests
{
    private const string ListName = "PlainWords.txt";

    private static readonly string[] Extensions = [".cs", ".md"];

    private static readonly string[] Folders = ["src", "samples", "tests", ".github"];

    /// <summary>They list what must not be written.</summary>
    private static readonly string[] Exempt = [$"{nameof(PlainWordsTests)}.cs", "STYLE.md"];

    private static readonly Phrase[] Phrases = [.. ReadList()];

    [Test]
    public void Comments_texts_and_pages_have_no_dialect()
    {
        var files = TextFiles().ToList();

        Assert.That(files.Select(Path.GetExtension).Distinct(), Is.SupersetOf(Extensions));
        Assert.That(files, Has.Count.GreaterThan(300), "the tree is read");
        Assert.That(files.SelectMany(path => Find(path, File.ReadAllText(Repository.Path(path)))), Is.Empty);
    }

    [TestCase("a.cs", "// Told of failovers, by whoever asks.", "told of", "whoever")]
    [TestCase("a.cs", "/// <param name=\"complaint\">What is wrong.</param>")]
    [TestCase("a.cs", "throw new X(\"Somebody has to mend it.\");", "Somebody", "mend")]
    [TestCase("a.cs", "var mend = Mend(nobody); // fixed")]
    [TestCase("a.cs", "throw new X($\"The key {nobody} is invalid.\");")]
    [TestCase("a.cs", "var text = \"\"\"\n  for nobody\n  \"\"\";", "nobody")]
    [TestCase("a.cs", "Open(\"https://example.com\"); Mend(anew);")]
    [TestCase("a.md", "Mind: it begins anew.", "Mind:", "anew")]
    [TestCase("a.md", "Look at the check.")]
    public void The_scan_reads_comments_strings_and_pages(string path, string text, params string[] found) =>
        Assert.That(Find(path, text).Select(hit => hit.Split('"')[1]), Is.EquivalentTo(found).IgnoreCase);

    [Test]
    public void Each_phrase_has_a_replacement_that_is_allowed()
    {
        Assert.That(Phrases, Has.Length.GreaterThan(30));
        Assert.That(Phrases.SelectMany(phrase => Find("a.md", phrase.Replacement)), Is.Empty);
    }

    private static IEnumerable<Phrase> ReadList() =>
        File.ReadAllLines(Path.Combine(House.Root.FullName, "tests", "Scalr.Byok.Kms.Tests", "Conventions", ListName))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(" -> ", 2))
            .Select(pair =>
                new Phrase(new Regex(pair[0], RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Multiline), pair[1]));

    private static IEnumerable<string> TextFiles() => Repository.FilesIn(Folders)
        .Concat(House.Root.EnumerateFiles().Select(file => file.Name))
        .Where(path => Extensions.Contains(Path.GetExtension(path)) && !Exempt.Contains(Path.GetFileName(path)));

    private static IEnumerable<string> Find(string path, string text)
    {
        foreach (var (position, words) in WordsOf(path, text))
        {
            foreach (var phrase in Phrases)
            {
                foreach (Match match in phrase.Pattern.Matches(words))
                {
                    var line = text.AsSpan(0, position).Count('\n') + words.AsSpan(0, match.Index).Count('\n') + 1;
                    yield return $"{path}:{line}: \"{match.Value.Trim()}\" -> {phrase.Replacement}";
                }
            }
        }
    }

    /// <summary>
    /// The parts of a file that people read: all of a page; of a source file the comments and strings, without what they name.
    /// </summary>
    private static IEnumerable<(int Position, string Words)> WordsOf(string path, string text) =>
        path.EndsWith(".md", StringComparison.Ordinal)
            ? [(0, text)]
            : CommentsAndStrings().Matches(text).Select(match => (match.Index, Names().Replace(match.Value, "")));

    /// <summary>
    /// Raw strings, verbatim strings, strings, characters, comments: in this order, so that none is looked for inside another.
    /// </summary>
    [GeneratedRegex(
        """(?<q>"{3,}).*?\k<q>|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])+'|//[^\r\n]*|/\*.*?\*/""",
        RegexOptions.Singleline)]
    private static partial Regex CommentsAndStrings();

    /// <summary>What a text inserts, and what a documentation tag refers to: identifiers.</summary>
    [GeneratedRegex("""\{[^{}\r\n]*\}|\b(?:name|cref|href)="[^"]*"|<c>[^<]*</c>|\{[^{}"]*"\z""")]
    private static partial Regex Names();

    private sealed record Phrase(Regex Pattern, string Replacement);
}
