using System.Text.RegularExpressions;
using Scalr.Byok.Kms.Tests.Conventions;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>ARCHITECTURE names folders, arrows and files as they are.</summary>
internal sealed partial class ArchitecturePageTests
{
    private static readonly Page Architecture = Page.Read("ARCHITECTURE.md");

    private static List<string[]> Folders => [.. Architecture.Rows("Map of the folders").Skip(1).TakeWhile(row => row.Length == 3)];

    [Test]
    public void Arrows_between_folders_are_those_of_the_built_library()
    {
        var folders = Folders.ConvertAll(row => row[0].Trim('`', '/'));
        var arrows = TypeReferences.Of(typeof(IByokKeyRing).Assembly)
            .Select(pair => (From: HouseRulesTests.RoomOf(pair.From)!, To: HouseRulesTests.RoomOf(pair.To)!))
            .Where(arrow => arrow.From != arrow.To && folders.Contains(arrow.From) && folders.Contains(arrow.To))
            .Select(arrow => $"{arrow.From} uses {arrow.To}").Distinct();

        var written =
            from row in Folders
            where row[2] != "all"
            from to in row[2].Split(", ", StringSplitOptions.RemoveEmptyEntries)
            select $"{row[0].Trim('`', '/')} uses {to}";
        Assert.That(arrows.Where(arrow => !arrow.StartsWith("DependencyInjection", StringComparison.Ordinal)), Is.EquivalentTo(written));
    }

    [Test]
    public void Every_folder_is_on_the_map()
    {
        var named = Folder().Matches(Architecture.Text).Select(match => match.Groups["name"].Value).ToHashSet();

        Assert.That(House.Files.Select(file => file.Room).Distinct(), Is.SubsetOf(named));
    }

    [Test]
    public void Every_source_file_that_is_named_exists()
    {
        var named = SourceFile().Matches(Architecture.Text).Select(match => match.Groups["path"].Value).Distinct().ToList();

        Assert.That(named, Has.Count.GreaterThan(15));
        Assert.That(
            named.Where(name => !House.Files.Any(file => file.Path == name || file.Path.EndsWith($"/{name}", StringComparison.Ordinal))),
            Is.Empty);
    }

    [Test]
    public void The_path_of_a_cached_encrypt_has_ten_files() =>
        Assert.That(
            Step().Matches(Architecture.Text[Architecture.Text.IndexOf("## The path of one cached encrypt", StringComparison.Ordinal)..]),
            Has.Count.EqualTo(10));

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z]+)/`")]
    private static partial Regex Folder();

    [GeneratedRegex("`(?<path>[A-Za-z/.]+[.]cs)`")]
    private static partial Regex SourceFile();

    [GeneratedRegex("^[0-9]+[.] `[A-Za-z]+/[A-Za-z.]+[.]cs`", RegexOptions.Multiline)]
    private static partial Regex Step();
}
