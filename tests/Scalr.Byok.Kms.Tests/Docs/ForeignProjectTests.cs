using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>tests/Foreign has the projects of a user, which the gate builds from the packages. The pages show the same code.</summary>
internal sealed class ForeignProjectTests
{
    private const int LongestTest = 15;

    private static readonly string[] Frameworks = ["NUnit", "XUnit"];

    [TestCase("src/Scalr.Byok.Kms/docs/testing.md")]
    [TestCase("samples/LocalAws/README.md")]
    public void A_page_shows_the_test_that_runs_from_the_package(string page) =>
        Assert.That(Page.Read(page).Blocks("csharp"), Has.Member(Page.Read("tests/Foreign/NUnit/RevocationTests.cs").Text));

    [TestCaseSource(nameof(Frameworks))]
    public void The_customer_disables_the_key_in_fifteen_lines(string framework)
    {
        var lines = Page.Read($"tests/Foreign/{framework}/RevocationTests.cs").Text.Split('\n');
        var begin = Array.FindIndex(lines, line => line.Contains("The_customer_disables_the_key", StringComparison.Ordinal));
        var body = lines.Skip(begin + 2).TakeWhile(line => line != "    }").Where(line => line.Length > 0).ToList();

        Assert.That(body, Has.Count.GreaterThan(5).And.Count.LessThanOrEqualTo(LongestTest));
        Assert.That(body, Has.Some.Contains("Key.Disable()"));
    }

    [TestCaseSource(nameof(Frameworks))]
    [TestCase("Start")]
    public void A_foreign_project_names_packages_only(string name)
    {
        var project = Page.Read($"tests/Foreign/{name}/Foreign.{name}.csproj").Text;

        Assert.That(project, Does.Contain("Include=\"Scalr.Byok.Kms\"").And.Contain("Include=\"Scalr.Byok.Kms.LocalAws\""));
        Assert.That(project, Does.Not.Contain("ProjectReference"));
    }
}
