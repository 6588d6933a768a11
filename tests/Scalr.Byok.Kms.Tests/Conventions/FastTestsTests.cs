using System.Diagnostics;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>The fast run, <c>dotnet test --filter "Category!=Slow"</c>, leaves out slow fixtures, too.</summary>
[Category("Slow")]
internal sealed class FastTestsTests
{
    [TestCase("Category!=Slow", ExpectedResult = "TestCategory!=Slow")]
    [TestCase("TestCategory!=Slow&FullyQualifiedName~Keys", ExpectedResult = "TestCategory!=Slow&FullyQualifiedName~Keys")]
    public async Task<string> A_filter_by_category_includes_that_of_the_fixture(string filter)
    {
        var project = Path.Combine(House.Root.FullName, "tests", "Scalr.Byok.Kms.Tests", "Scalr.Byok.Kms.Tests.csproj");
        using var msbuild = ChildProcess.Start(new ProcessStartInfo(
            "dotnet", ["msbuild", project, "-getProperty:VSTestTestCaseFilter", $"-p:VSTestTestCaseFilter={filter}"])
        {
            RedirectStandardOutput = true,
        });

        return (await msbuild.StandardOutput.ReadToEndAsync()).Trim();
    }
}
