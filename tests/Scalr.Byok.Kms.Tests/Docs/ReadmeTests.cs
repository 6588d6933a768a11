namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>README is short, in the order in which a new user asks, and keeps what other places rely on.</summary>
internal sealed class ReadmeTests
{
    private static readonly string[] Sections =
    [
        "Requirements and install", "Quick start", "Which feature to choose", "Many customers in ASP.NET Core", "Onboarding a customer",
        "When something goes wrong", "Operating", "Security", "Speed", "More",
    ];

    private static string[] Lines => Page.Readme.Text.Split('\n');

    [Test]
    public void It_is_short() => Assert.That(Lines, Has.Length.LessThan(250));

    [Test]
    public void Its_sections_are_in_the_order_of_a_new_users_questions() =>
        Assert.That(Lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..]), Is.EqualTo(Sections));

    [Test]
    public void Speed_takes_six_lines() =>
        Assert.That(
            Lines.SkipWhile(line => line != "## Speed").Skip(1).TakeWhile(line => !line.StartsWith('#'))
                .Where(line => line.Length > 0).ToList(),
            Has.Count.EqualTo(6));

    [TestCase("dotnet run --project samples/QuickStart")]
    [TestCase("dotnet test")]
    public void A_command_of_the_gate_has_a_line_of_its_own(string command) => Assert.That(Lines, Has.Member(command));

    [Test]
    public void Every_exception_is_in_the_table_of_errors() =>
        Assert.That(
            typeof(ByokException).Assembly.GetExportedTypes()
                .Where(type => type.IsAssignableTo(typeof(Exception)) && !type.IsAbstract).Select(type => type.Name),
            Has.All.Matches<string>(name =>
                Page.Readme.Rows("When something goes wrong").Any(row => row[1].Contains($"`{name}`", StringComparison.Ordinal))));

    [TestCase("src/Scalr.Byok.Kms/docs/columns.md")]
    [TestCase("README.md")]
    public void Advice_about_an_HMAC_says_that_the_column_outlives_a_revocation(string path) =>
        Assert.That(Page.Read(path).Text, Does.Match(@"HMAC[^#]*outlives a revocation"));

    [Test]
    public void Lines_outside_tables_are_at_most_140_characters_long() =>
        Assert.That(
            from page in Page.All
            where page.Path is "README.md" or "ARCHITECTURE.md" || page.Path.Contains("/docs/", StringComparison.Ordinal)
            from line in page.Text.Split('\n')
            where line.Length > 140 && !line.StartsWith('|')
            select $"{page}: {line}",
            Is.Empty);
}
