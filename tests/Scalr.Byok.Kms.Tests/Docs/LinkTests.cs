using System.Text;
using System.Text.RegularExpressions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>Links on pages lead to files and headings that exist.</summary>
internal sealed partial class LinkTests
{
    public static IEnumerable<TestCaseData> Pages() => Page.All.Select(page => new TestCaseData(page).SetArgDisplayNames(page.Path));

    [TestCaseSource(nameof(Pages))]
    public void Every_link_of_a_page_leads_somewhere(Page page) =>
        Assert.That(Links(page.Text).Where(link => !Exists(page.Path, link)), Is.Empty);

    [Test]
    public void Links_of_README_can_be_made_absolute_for_a_package_page()
    {
        var links = Links(Page.Readme.Text).ToList();

        Assert.That(links, Has.Count.GreaterThan(8));
        Assert.That(
            links.Where(link => link.Contains("..", StringComparison.Ordinal) || link.StartsWith('/')), Is.Empty,
            "each begins at the root of the repository");
        Assert.That(Reference().Matches(Page.Readme.Text), Is.Empty, "all links are inline");
    }

    [Test]
    public void Every_page_of_docs_is_linked_from_README() =>
        Assert.That(
            Page.All.Select(page => page.Path).Where(path => path.Contains("/docs/", StringComparison.Ordinal)),
            Is.Not.Empty.And.SubsetOf(Links(Page.Readme.Text).ToList()));

    [TestCase("README.md", "samples/Byok.Cli/README.md", true)]
    [TestCase("README.md", "samples/NoSuchSample/README.md", false)]
    [TestCase("README.md", "#security", true)]
    [TestCase("README.md", "#no-such-heading", false)]
    [TestCase("src/Scalr.Byok.Kms/docs/options.md", "telemetry.md#log-events", true)]
    [TestCase("src/Scalr.Byok.Kms/docs/options.md", "telemetry.md#no-such-heading", false)]
    [TestCase("src/Scalr.Byok.Kms/docs/options.md", "https://example.com/whatever", true)]
    public void A_link_that_leads_nowhere_is_found(string page, string link, bool exists) =>
        Assert.That(Exists(page, link), Is.EqualTo(exists));

    [TestCase("## `ByokOptions`, all of them", "byokoptions-all-of-them")]
    [TestCase("# What it does", "what-it-does")]
    public void Headings_have_the_anchors_that_GitHub_gives_them(string heading, string anchor) =>
        Assert.That(Anchors(heading), Is.EqualTo(new[] { anchor }));

    private static bool Exists(string page, string link)
    {
        if (link.StartsWith("https://", StringComparison.Ordinal))
        {
            return true;
        }

        var parts = link.Split('#', 2);
        var (path, anchor) = (parts[0], parts.ElementAtOrDefault(1));
        var start = Repository.Path(page);
        var file = path.Length == 0 ? start : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(start)!, path));
        return File.Exists(file) && (anchor is null || Anchors(File.ReadAllText(file)).Contains(anchor));
    }

    private static IEnumerable<string> Links(string text) =>
        Link().Matches(Code().Replace(text, "")).Select(match => match.Groups["target"].Value);

    private static IEnumerable<string> Anchors(string text) =>
        from match in Heading().Matches(Code().Replace(text.ReplaceLineEndings("\n"), ""))
        select string.Concat(match.Groups["text"].Value.Trim().ToLowerInvariant().EnumerateRunes().Select(Slug));

    private static string Slug(Rune rune) =>
        rune.Value == ' ' ? "-" : Rune.IsLetterOrDigit(rune) || rune.Value is '-' or '_' ? rune.ToString() : "";

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\[[^\]]+\]:", RegexOptions.Multiline)]
    private static partial Regex Reference();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();
}
