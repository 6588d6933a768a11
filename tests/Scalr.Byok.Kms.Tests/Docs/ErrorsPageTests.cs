using System.Reflection;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>The page of errors has every reason, finding and exception.</summary>
internal sealed class ErrorsPageTests
{
    private static readonly Page Errors = Page.Docs("errors");

    [Test]
    public void Every_reason_has_a_remedy()
    {
        var rows = Errors.Rows("Reasons").Skip(1).ToList();

        Assert.That(
            rows.Select(row => row[0]),
            Is.EquivalentTo(
                from name in Enum.GetNames<ByokKeyUnavailableReason>()
                where name != nameof(ByokKeyUnavailableReason.Unknown)
                select $"`{name}`"));
        Assert.That(rows, Has.All.Length.EqualTo(3));
        Assert.That(rows.Select(row => row[2]), Has.None.Empty);
    }

    [Test]
    public void Every_finding_is_there() =>
        Assert.That(
            Errors.Rows("Findings").Skip(1).Select(row => row[0].Trim('`')),
            Is.EquivalentTo(
                from field in typeof(ByokKeyFindingCode).GetFields(BindingFlags.Static | BindingFlags.Public)
                select (string)field.GetValue(null)!));

    [Test]
    public void Every_exception_is_there() =>
        Assert.That(
            from type in typeof(ByokException).Assembly.GetExportedTypes()
            where type.IsAssignableTo(typeof(Exception)) && !type.IsAbstract
            select $"`{type.Name}`",
            Is.SubsetOf(Errors.Rows("Errors").Select(row => row[0]).ToList()));
}
