using System.Globalization;
using System.Reflection;
using System.Security;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace Scalr.Byok.Kms.Mutants;

/// <summary>Runs tests in this process, under one mutant after the other.</summary>
internal sealed class TestRun : ITestListener
{
    private const int NoMutant = -1;
    private const string Tests = "Scalr.Byok.Kms.Tests";
    private static readonly TimeSpan Least = TimeSpan.FromMinutes(3);

    private readonly Type _control = Assembly.Load("Scalr.Byok.Kms").GetTypes().Single(type => type.Name == "MutantControl");
    private readonly NUnitTestAssemblyRunner _runner = new(new DefaultTestAssemblyBuilder());
    private readonly Dictionary<string, double> _usual = [];
    private readonly List<string> _passed = [];
    private readonly List<(string Test, string Message)> _failed = [];
    private readonly HashSet<string> _skipped;
    private (string Test, DateTimeOffset Deadline)? _present;
    private bool _stopsAtFailure;

    /// <param name="skipped">Full names of tests that are left out.</param>
    /// <param name="times">The usual times of tests, in seconds.</param>
    public TestRun(IEnumerable<string> skipped, IReadOnlyDictionary<string, double> times)
    {
        (_skipped, _usual) = ([.. skipped], new Dictionary<string, double>(times));
        _runner.Load(Assembly.Load(Tests), new Dictionary<string, object> { ["NumberOfTestWorkers"] = 0 });
        new Thread(Watch) { IsBackground = true }.Start();
    }

    /// <summary>Called when a test takes ten times as long as usual, and three minutes at least. Then the process ends.</summary>
    public Action<string>? Hangs { get; set; }

    /// <summary>The classes that have tests.</summary>
    public IEnumerable<string> FindClasses() => FindClasses(_runner.LoadedTest!);

    /// <summary>Runs the tests of a class without a mutant.</summary>
    /// <returns>The mutants that it reaches, those among them that a static initializer reaches, and what became of the tests.</returns>
    public (IEnumerable<int> Reached, IEnumerable<int> Static, IEnumerable<string> Passed, IEnumerable<string> Failed) Cover(string name)
    {
        _control.GetField("CaptureCoverage")!.SetValue(null, true);
        _control.GetMethod("ResetCoverage")!.Invoke(null, null);
        _passed.Clear();
        _failed.Clear();
        RunOnly("class", name);
        var reached = (IList<int>[])_control.GetMethod("GetCoverageData")!.Invoke(null, null)!;
        return ([.. reached[0]], [.. reached[1]], [.. _passed], [.. _failed.Select(failed => failed.Test)]);
    }

    /// <summary>Runs classes under a mutant until a test fails. It counts only if it fails again, and passes without the mutant.</summary>
    /// <returns>"killed" and the test, or "survived".</returns>
    public (string Status, string Test) Judge(int mutant, IEnumerable<string> classes)
    {
        _stopsAtFailure = true;
        HashSet<string> doubtful = [];
        foreach (var name in classes)
        {
            while (FindFailure(mutant, "class", name, doubtful) is { } test)
            {
                if (FindFailure(mutant, "test", test, []) is not null && FindFailure(NoMutant, "test", test, []) is null)
                {
                    return ("killed", test);
                }

                doubtful.Add(test);
            }
        }

        return ("survived", "");
    }

    public void TestStarted(ITest test)
    {
        if (!test.IsSuite)
        {
            _present = (test.FullName, DateTimeOffset.UtcNow + Least + TimeSpan.FromSeconds(10 * _usual.GetValueOrDefault(test.FullName)));
        }
    }

    public void TestFinished(ITestResult result)
    {
        if (!result.Test.IsSuite)
        {
            _present = null;
        }

        if (result.ResultState.Status == TestStatus.Failed && !result.Test.IsSuite)
        {
            _failed.Add((result.FullName, result.Message ?? ""));
            if (_stopsAtFailure)
            {
                _runner.StopRun();
            }
        }
        else if (!result.Test.IsSuite && result.ResultState.Status == TestStatus.Passed)
        {
            _passed.Add(string.Create(CultureInfo.InvariantCulture, $"{result.FullName}\t{result.Duration:0.000}"));
        }
    }

    public void TestOutput(TestOutput output)
    {
    }

    public void SendMessage(TestMessage message)
    {
    }

    private static IEnumerable<string> FindClasses(ITest test) =>
        test.IsSuite ? test.Tests.SelectMany(FindClasses).Distinct() : [test.ClassName!];

    private string? FindFailure(int mutant, string kind, string name, IEnumerable<string> doubtful)
    {
        _control.GetField("ActiveMutant")!.SetValue(null, mutant);
        _failed.Clear();
        RunOnly(kind, name, doubtful);
        return _failed.Count == 0 ? null : _failed[0].Test;
    }

    private void RunOnly(string kind, string name, IEnumerable<string>? doubtful = null)
    {
        var without = string.Concat(_skipped.Concat(doubtful ?? []).Select(test => $"<not>{Element("test", test)}</not>"));
        _runner.Run(this, TestFilter.FromXml($"<filter><and>{Element(kind, name)}{without}</and></filter>"));
    }

    private static string Element(string name, string text) => $"<{name}>{SecurityElement.Escape(text)}</{name}>";

    private void Watch()
    {
        for (; ; Thread.Sleep(500))
        {
            if (Hangs is not null && _present is { } present && DateTimeOffset.UtcNow > present.Deadline)
            {
                Hangs(present.Test);
                Environment.Exit(1);
            }
        }
    }
}
