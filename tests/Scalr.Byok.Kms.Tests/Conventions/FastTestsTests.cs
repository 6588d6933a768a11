using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>The fast run, <c>dotnet test --filter "Category!=Slow"</c>, leaves out slow fixtures, too.</summary>
[Category("Slow")]
internal sealed class FastTestsTests
{
    [TestCase("Category!=Slow", ExpectedResult = "TestCategory!=Slow")]
    [TestCase("TestCategory!=Slow&FullyQualifiedName~Keys", ExpectedResult = "TestCategory!=Slow&FullyQualifiedName~Keys")]
    public Task<string> A_filter_by_category_includes_that_of_the_fixture(string filter) =>
        ReadPropertyAsync("VSTestTestCaseFilter", $"-p:VSTestTestCaseFilter={filter}");

    /// <summary>Beyond its limit, NUnit's adapter runs all tests and reports those that were selected.</summary>
    [Test]
    public async Task A_filter_may_select_any_number_of_tests()
    {
        var settings = XDocument.Load(await ReadPropertyAsync("RunSettingsFilePath"));

        var limit = int.Parse(settings.Descendants("AssemblySelectLimit").Single().Value, CultureInfo.InvariantCulture);
        Assert.That(limit, Is.GreaterThanOrEqualTo(1_000_000));
    }

    private static async Task<string> ReadPropertyAsync(string name, params string[] arguments)
    {
        var project = Path.Combine(House.Root.FullName, "tests", "Scalr.Byok.Kms.Tests", "Scalr.Byok.Kms.Tests.csproj");
        using var msbuild = ChildProcess.Start(new ProcessStartInfo("dotnet", ["msbuild", project, $"-getProperty:{name}", .. arguments])
        {
            RedirectStandardOutput = true,
        });

        return (await msbuild.StandardOutput.ReadToEndAsync()).Trim();
    }
}
