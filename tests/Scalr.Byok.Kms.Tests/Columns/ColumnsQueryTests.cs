using Columns;
using Microsoft.EntityFrameworkCore;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>Queries over encrypted texts: what the database cannot compute throws, and what it can compute is right.</summary>
[CancelAfter(120_000)]
internal sealed class ColumnsQueryTests
{
    private ColumnsWorld _world = null!;
    private HostContext _context = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _world = await ColumnsWorld.StartAsync(ColumnsWorld.Sqlite);
        await using var context = await _world.OpenAsync();
        context.AddRange(
            new Variable { Workspace = "w", Name = "same", Value = "value" },
            new Variable { Workspace = "w", Name = "same", Value = "value" },
            new Variable { Workspace = "w", Name = "other" });
        context.Add(new ProviderCredentials { Kind = "aws", Account = "same", Secret = "value" });
        await context.SaveChangesAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    [SetUp]
    public async Task OpenAsync() => _context = await _world.OpenAsync();

    [TearDown]
    public async Task CloseAsync() => await _context.DisposeAsync();

    [TestCaseSource(nameof(Refused))]
    public void A_query_that_compares_encrypted_texts_throws(Func<HostContext, object?> query) =>
        Assert.That(() => query(_context), Throws.InvalidOperationException.With.Message.Match("[Tt]ranslat"));

    [TestCaseSource(nameof(Accepted))]
    public void A_query_that_only_reads_encrypted_texts_is_right(Func<HostContext, IEnumerable<object?>> query, object?[] expected) =>
        Assert.That(query(_context), Is.EquivalentTo(expected));

    private static IEnumerable<TestCaseData> Refused()
    {
        yield return Query("==", c => c.Variables.Where(row => row.Name == "same").ToList());
        yield return Query("!=", c => c.Variables.Count(row => row.Name != "same"));
        yield return Query("null", c => c.Variables.Where(row => row.Value == null).ToList());
        yield return Query("Equals", c => c.Variables.Any(row => row.Name.Equals("same")));
        yield return Query("Contains of a text", c => c.Variables.Where(row => row.Name.Contains("am")).ToList());
        yield return Query("Contains of a list", c => c.Variables.Where(row => new[] { "same", "other" }.Contains(row.Name)).ToList());
        yield return Query("Contains of the texts", c => c.Variables.Select(row => row.Name).Contains("same"));
        yield return Query("Like", c => c.Variables.Where(row => EF.Functions.Like(row.Name, "s%")).ToList());
        yield return Query("First", c => c.Variables.First(row => row.Name == "same"));
        yield return Query("First of the texts", c => c.Variables.Select(row => row.Name).First(name => name == "same"));
        yield return Query("All", c => c.Variables.All(row => row.Name == "same"));
        yield return Query("OrderBy", c => c.Variables.OrderBy(row => row.Name).ToList());
        yield return Query("OrderByDescending", c => c.Variables.OrderByDescending(row => row.Name).First());
        yield return Query("ThenBy", c => c.Variables.OrderBy(row => row.Workspace).ThenBy(row => row.Name).ToList());
        yield return Query("OrderBy of the texts", c => c.Variables.Select(row => row.Name).OrderBy(name => name).ToList());
        yield return Query("GroupBy", c => c.Variables.GroupBy(row => row.Name).Select(group => group.Count()).ToList());
        yield return Query(
            "GroupBy of two",
            c => c.Variables.GroupBy(row => new { row.Workspace, row.Name }).Select(group => group.Count()).ToList());
        yield return Query(
            "Join",
            c => c.Variables.Join(c.ProviderCredentials, row => row.Name, other => other.Account, (row, other) => row.Id).ToList());
        yield return Query(
            "GroupJoin",
            c => c.Variables.GroupJoin(c.ProviderCredentials, row => row.Name, other => other.Account, (row, others) => others.Count())
                .ToList());
        yield return Query(
            "LeftJoin",
            c => c.Variables.LeftJoin(c.ProviderCredentials, row => row.Name, other => other.Account, (row, other) => row.Id).ToList());
        yield return Query(
            "SelectMany",
            c => c.Variables.SelectMany(row => c.ProviderCredentials.Where(other => other.Account == row.Name), (row, other) => row.Id)
                .ToList());
        yield return Query("Max", c => c.Variables.Max(row => row.Name));
        yield return Query("Min of the texts", c => c.Variables.Select(row => row.Name).Min());
        yield return Query(
            "Max of a group",
            c => c.Variables.GroupBy(row => row.Workspace).Select(group => group.Max(row => row.Name)).ToList());
        yield return Query("MaxBy", c => c.Variables.MaxBy(row => row.Name));
        yield return Query(
            "Union",
            c => c.Variables.Select(row => row.Name).Union(c.ProviderCredentials.Select(row => row.Account)).ToList());
        yield return Query(
            "Union of one table",
            c => c.Variables.Select(row => row.Name).Union(c.Variables.Select(row => row.Name)).ToList());
        yield return Query(
            "Except",
            c => c.Variables.Select(row => row.Name).Except(c.ProviderCredentials.Select(row => row.Account)).ToList());
        yield return Query(
            "Intersect",
            c => c.Variables.Select(row => row.Name).Intersect(c.ProviderCredentials.Select(row => row.Account)).ToList());
        yield return Query(
            "Concat",
            c => c.Variables.Select(row => row.Name).Concat(c.ProviderCredentials.Select(row => row.Account)).ToList());
        yield return Query("Distinct", c => c.Variables.Select(row => row.Name).Distinct().ToList());
        yield return Query("Distinct that is counted", c => c.Variables.Select(row => row.Name).Distinct().Count());
        yield return Query("Distinct of what may be null", c => c.Variables.Select(row => row.Value).Distinct().ToList());
        yield return Query("Distinct of several", c => c.Variables.Select(row => new { row.Workspace, row.Name }).Distinct().ToList());
        yield return Query("Distinct of a record", c => c.Variables.Select(row => new Pair(row.Workspace, row.Name)).Distinct().ToList());
        yield return Query("Distinct of a computed text", c => c.Variables.Select(row => row.Name.ToUpperInvariant()).Distinct().ToList());
        yield return Query("Distinct of a method of the row", c => c.Variables.Select(row => Label(row)).Distinct().ToList());
        yield return Query("Distinct of what is made of the row", c => c.Variables.Select(row => new Labelled(row)).Distinct().ToList());
        yield return Query("Distinct after more", c => c.Variables.Select(row => row.Name).Take(2).Distinct().ToList());
        yield return Query(
            "Distinct in a join's result",
            c => c.Variables.Join(c.ProviderCredentials, row => row.Tenant, other => other.Tenant, (row, other) => row.Name)
                .Distinct().ToList());
        yield return Query(
            "Distinct in SelectMany",
            c => c.Variables.SelectMany(row => c.ProviderCredentials, (row, other) => row.Name).Distinct().ToList());
        yield return Query(
            "Distinct in a subquery",
            c => c.Variables.Select(row => c.Variables.Select(other => other.Name).Distinct().Count()).ToList());
        yield return Query(
            "Distinct in a group",
            c => c.Variables.GroupBy(row => row.Workspace).Select(group => group.Select(row => row.Name).Distinct().Count()).ToList());
        yield return Query("DistinctBy", c => c.Variables.DistinctBy(row => row.Name).ToList());
    }

    private static IEnumerable<TestCaseData> Accepted()
    {
        yield return Rows("Select", c => c.Variables.Select(row => row.Name), "same", "same", "other");
        yield return Rows("Select with null", c => c.Variables.Select(row => row.Value), "value", "value", null);
        yield return Rows(
            "Select of several",
            c => c.Variables.Select(row => new Pair(row.Workspace, row.Name)),
            new Pair("w", "same"),
            new Pair("w", "same"),
            new Pair("w", "other"));
        yield return Rows("Distinct of an unencrypted column", c => c.Variables.Select(row => row.Workspace).Distinct(), "w");
        yield return Rows("Distinct of rows", c => c.Variables.Distinct().AsEnumerable().Select(row => row.Name), "same", "same", "other");
        yield return Rows("Distinct before the text is read", c => c.Variables.Distinct().Select(row => row.Name), "same", "same", "other");
        yield return Rows("Distinct in memory", c => c.Variables.Select(row => row.Name).AsEnumerable().Distinct(), "same", "other");
        yield return Rows("Where and OrderBy of unencrypted columns",
            c => c.Variables.Where(row => row.Workspace == "w").OrderBy(row => row.Id).Select(row => row.Name), "same", "same", "other");
    }

    private static string Label(Variable row) => row.Name;

    private static TestCaseData Query(string name, Func<HostContext, object?> query) => new TestCaseData(query).SetArgDisplayNames(name);

    private static TestCaseData Rows(string name, Func<HostContext, IEnumerable<object?>> query, params object?[] expected) =>
        new TestCaseData(query, expected).SetArgDisplayNames(name);

    private sealed record Pair(string Workspace, string Name);

    private sealed record Labelled(Variable Row);
}
