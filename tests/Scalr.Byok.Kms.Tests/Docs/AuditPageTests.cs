using System.Reflection;
using System.Text.Json;
using Byok.Cli.Audit;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>The page of audit has every field of a record, every value, and every kind of finding.</summary>
internal sealed class AuditPageTests
{
    private static readonly Page Audit = Page.Docs("audit");

    private static readonly ByokAuditRecord Full = new()
    {
        Id = "a",
        Time = DateTimeOffset.UnixEpoch,
        Operation = "a",
        Cause = ByokAuditCause.Call,
        Outcome = ByokAuditOutcome.Error,
        Tenant = "a",
        IsTenant = true,
        KeyArn = "a",
        RoleArn = "a",
        Region = "a",
        EncryptionContextNames = ["a"],
        RequestId = "a",
        ErrorCode = "a",
        KeyMaterialId = "a",
        TraceId = "a",
    };

    private static List<string[]> Fields => [.. Audit.Rows("The record").Skip(1)];

    [Test]
    public void Every_field_is_there_in_its_order()
    {
        using var json = JsonDocument.Parse(Full.ToJson());
        var written = json.RootElement.EnumerateObject().Select(property => property.Name).ToList();

        Assert.That(written, Has.Count.EqualTo(typeof(ByokAuditRecord).GetProperties().Length));
        Assert.That(Fields.SelectMany(row => row[0].Split(", ")).Select(name => name.Trim('`')), Is.EquivalentTo(written));
    }

    [Test]
    public void Every_value_is_there() =>
        Assert.That(
            Enum.GetNames<ByokAuditCause>().Concat(Enum.GetNames<ByokAuditOutcome>()).Except(["Unknown"])
                .Where(name => !Fields.Exists(row => row[1].Contains($"`{name}`", StringComparison.Ordinal))),
            Is.Empty);

    [Test]
    public void Every_kind_of_finding_is_there() =>
        Assert.That(
            Audit.Rows("Reconcile step by step").Skip(1).Select(row => row[0].Trim('`')),
            Is.EquivalentTo(typeof(FindingKind).GetFields(BindingFlags.Static | BindingFlags.Public)
                .Select(field => (string)field.GetRawConstantValue()!)));
}
