using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Tests.Diagnostics;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>The page of telemetry has every log event, metric and activity.</summary>
internal sealed class TelemetryPageTests
{
    private const string Prefix = "scalr.byok.";

    /// <summary>Both begin with the year. Audit records need fractions of a second.</summary>
    private static readonly string[] UtcFormats = ["u", "O"];

    private static readonly Page Telemetry = Page.Docs("telemetry");

    [Test]
    public void Every_log_event_has_its_level_and_text()
    {
        var events = typeof(ByokTelemetry).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>()
            .OrderBy(log => log.EventId)
            .Select(log => string.Create(CultureInfo.InvariantCulture, $"| {log.EventId} | {log.Level} | {log.Message} |")).ToList();

        Assert.That(events, Has.Count.GreaterThan(10), "events are found");
        Assert.That(
            Telemetry.Rows("Log events").Skip(1).Select(row => $"| {string.Join(" | ", row)} |"), Is.EqualTo(events),
            $"The table must be:\n{string.Join('\n', events)}\n");
    }

    /// <summary>01/12/2026 is a day in January for some and in December for others.</summary>
    [Test]
    public void Every_moment_in_a_log_text_has_the_year_first()
    {
        var moments = typeof(ByokTelemetry).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(method => method.IsDefined(typeof(LoggerMessageAttribute)))
            .SelectMany(method => method.GetParameters().Where(one => one.ParameterType == typeof(DateTimeOffset)))
            .Select(one => (Name: one.Name!, Text: one.Member.GetCustomAttribute<LoggerMessageAttribute>()!.Message)).ToList();

        Assert.That(moments, Has.Count.GreaterThan(3), "moments are found");
        Assert.That(
            moments.Where(one => !Array.Exists(
                UtcFormats, format => one.Text.Contains($"{{{one.Name}:{format}}}", StringComparison.OrdinalIgnoreCase))),
            Is.Empty);
    }

    [Test]
    public void Every_metric_has_its_unit_and_attributes()
    {
        var metrics = TelemetryTests.Instruments.Select(one => $"{one.Name[Prefix.Length..]} {one.Unit} {Sorted(one.Attributes)}");

        Assert.That(
            Telemetry.Rows("Metrics").Skip(1).TakeWhile(row => row[0] != "attribute")
                .Select(row => $"{row[0].Trim('`')} {row[1]} {Sorted(row[2].Replace("`", "", StringComparison.Ordinal))}"),
            Is.EquivalentTo(metrics));
    }

    [TestCase("outcome", typeof(AttemptOutcome))]
    [TestCase("cause` of `aws.failovers", typeof(FailoverCause))]
    [TestCase("cause` of `cache.evictions", typeof(EvictionCause))]
    public void Every_value_of_an_attribute_is_there(string attribute, Type values)
    {
        var row = Telemetry.Rows("Metrics").Single(row => row[0] == $"`{attribute}`" && row.Length == 2);

        Assert.That(row[1].Split('`').Where((_, index) => index % 2 == 1), Is.EquivalentTo(Constants(values)));
    }

    [Test]
    public void Every_activity_is_there() =>
        Assert.That(
            Telemetry.Rows("Activities").Skip(1).SelectMany(row => row[0].Replace("`", "", StringComparison.Ordinal).Split(", ")),
            Is.EquivalentTo(Constants(typeof(Activities)).Concat(Constants(typeof(AwsAction)))));

    private static string Sorted(string list) =>
        string.Join(", ", list.Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));

    private static IEnumerable<string> Constants(Type type) =>
        from field in type.GetFields(BindingFlags.Static | BindingFlags.Public)
        where field.IsLiteral
        select (string)field.GetRawConstantValue()!;
}
