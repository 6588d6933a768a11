using System.Diagnostics;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>The end of the gate's output: the failed tests of all result files, by name and message.</summary>
[Platform("Linux,MacOsX")]
internal sealed class FailedTestsTests
{
    private const string Results = """
        <TestRun>
          <Results>
            <UnitTestResult executionId="1" testId="a" testName="Adds(&quot;x&quot;,1)" outcome="Failed">
              <Output>
                <StdOut>said
        before</StdOut>
                <ErrorInfo>
                  <Message>  Expected: &lt;1&gt; &amp; more
          But was:  2
        {0}
        </Message>
                  <StackTrace>   at Sums.Adds() in Sums.cs:line 3
           at NUnit</StackTrace>
                </ErrorInfo>
              </Output>
            </UnitTestResult>
            <UnitTestResult executionId="2" testId="b" testName="Passes" outcome="Passed"><Output><StdOut>fine</StdOut></Output></UnitTestResult>
          </Results>
          <TestDefinitions>
            <UnitTest name="Adds" id="a">
              <Execution id="1" />
              <TestMethod codeBase="/x/bin/release/Tests.dll" className="Sums" name="Adds" />
            </UnitTest>
          </TestDefinitions>
          <ResultSummary outcome="Failed">
            <RunInfos>
              <RunInfo outcome="Error"><Text>The test host crashed.</Text></RunInfo>
            </RunInfos>
          </ResultSummary>
        </TestRun>
        """;

    [Test]
    public async Task Failed_tests_are_listed_with_the_first_lines_of_their_messages()
    {
        var folder = Directory.CreateTempSubdirectory("failed-tests-");
        try
        {
            var lines = string.Join('\n', Enumerable.Range(3, 20).Select(number => $"line {number}"));
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "a.trx"), Results.Replace("{0}", lines, StringComparison.Ordinal));

            Assert.That(await ListAsync(folder), Is.EqualTo((string[])
            [
                "Sums.Adds(\"x\",1) (release)",
                "      Expected: <1> & more",
                "      But was:  2",
                .. Enumerable.Range(3, 13).Select(number => $"    line {number}"),
                "       at Sums.Adds() in Sums.cs:line 3",
                "The test run itself",
                "    The test host crashed.",
                "",
            ]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Test]
    public async Task Tests_that_were_running_when_a_run_was_given_up_are_listed()
    {
        var folder = Directory.CreateTempSubdirectory("failed-tests-");
        try
        {
            foreach (var copy in (string[])["a", "b"]) // the test platform writes the file twice
            {
                await File.WriteAllTextAsync(
                    Path.Combine(folder.CreateSubdirectory(copy).FullName, "Sequence_1.xml"),
                    """
                    <TestSequence>
                      <Test Name="Sums.Adds" DisplayName="Adds" Source="/x/Tests.dll" Completed="True" />
                      <Test Name="Sums.Waits(&quot;x&quot;)" DisplayName="Waits" Source="/x/Tests.dll" Completed="False" />
                    </TestSequence>
                    """);
            }

            Assert.That(await ListAsync(folder), Is.EqualTo((string[])["    was running: Sums.Waits(&quot;x&quot;)", ""]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Test]
    public async Task Without_result_files_nothing_is_listed()
    {
        var folder = Directory.CreateTempSubdirectory("failed-tests-");
        Assert.That(await ListAsync(folder), Is.EqualTo((string[])[""]));
        folder.Delete();
    }

    private static async Task<string[]> ListAsync(DirectoryInfo folder)
    {
        ProcessStartInfo start =
            new("bash", [Path.Combine(House.Root.FullName, ".ci", "failed-tests"), folder.FullName]) { RedirectStandardOutput = true };
        using var process = ChildProcess.Start(start);
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output.Split('\n');
    }
}
