using System.Reflection;
using NUnit.Framework.Interfaces;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>A test without an assertion passes whatever the library answers.</summary>
internal sealed class AssertingTests
{
    private static readonly Dictionary<MethodBase, IReadOnlyList<MethodBase>> Calls = [];

    private static IReadOnlyList<MethodInfo> Tests { get; } =
    [
        .. typeof(AssertingTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes().Any(attribute => attribute is ITestBuilder or ISimpleTestBuilder)),
    ];

    [Test]
    public void Every_test_asserts_something()
    {
        Assert.That(Tests, Has.Count.GreaterThan(1000), "the tests are found");
        Assert.That(Tests.Where(test => !Asserts(test)).Select(test => $"{test.DeclaringType!.Name}.{test.Name}"), Is.Empty);
    }

    // On a method, NUnit's attribute does not keep other fixtures from running beside it.
    [Test]
    public void A_test_that_must_run_alone_is_in_a_fixture_that_runs_alone() =>
        Assert.That(
            Tests.Where(test => test.IsDefined(typeof(NonParallelizableAttribute)))
                .Select(test => $"{test.DeclaringType!.Name}.{test.Name}"),
            Is.Empty);

    [Test]
    public void A_method_without_an_assertion_is_found() =>
        Assert.That(Asserts(((Func<Task>)SampleAsync).Method), Is.False);

    private static async Task SampleAsync() => await Task.Yield();

    private static bool Asserts(MethodInfo test) =>
        test.GetCustomAttributes<TestCaseAttribute>().Any(one => one.HasExpectedResult)
        || MethodCalls.ReachedFrom(test, CallsOf).Any(IsAssertion);

    /// <summary>An assertion of NUnit, or a property that CsCheck searches a counterexample of.</summary>
    private static bool IsAssertion(MethodBase method) =>
        method.DeclaringType is { } type && (typeof(Assert).IsAssignableFrom(type)
            || (type == typeof(CsCheck.Check) && method.Name.StartsWith("Sample", StringComparison.Ordinal)));

    private static IReadOnlyList<MethodBase> CallsOf(MethodBase method) =>
        Calls.TryGetValue(method, out var found) ? found : Calls[method] = [.. MethodCalls.From(method)];
}
