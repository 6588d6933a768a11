using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Byok.Cli.Audit;
using Byok.Cli.Output;

namespace Byok.Cli.Commands;

/// <summary>byok audit reconcile</summary>
internal sealed class ReconcileCommand : Command, IHasExamples
{
    private readonly Terminal _terminal;

    private readonly Argument<string> _records = new("RECORDS")
    {
        Description = "The host's audit records, one JSON object per line; or a folder of such files that end in .jsonl.",
    };

    private readonly Argument<string[]> _trails = new("CLOUDTRAIL")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "The customer's log files of AWS CloudTrail, .json or .json.gz, and folders of them.",
    };

    private readonly Option<string?> _tenant = new("--tenant")
    {
        HelpName = "NAME",
        Description = "List only this tenant's records, if the host's records are about several customers.",
    };

    private readonly Option<DateTimeOffset?> _from = Time(
        "--from", "List only requests from this time on (UTC), for example 2026-11-29T00:00Z.");

    private readonly Option<DateTimeOffset?> _to = Time("--to", "List only requests before this time (UTC).");
    private readonly Option<bool> _json = new("--json") { Description = "Print each finding as a line of JSON." };

    public ReconcileCommand(CliContext context)
        : base(
            "reconcile",
            "Compare a host's audit records with AWS CloudTrail by request id, and list what only one side knows. Without any key and "
            + "without AWS. Ends with 3 if there is a difference.")
    {
        _terminal = context.Terminal;
        Arguments.Add(_records);
        Arguments.Add(_trails);
        Options.Add(_tenant);
        Options.Add(_from);
        Options.Add(_to);
        Options.Add(_json);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok audit reconcile audit.jsonl AWSLogs/111122223333/CloudTrail",
        "byok audit reconcile audit.jsonl trail.json.gz --tenant acme --from 2026-11-28T00:00Z --to 2026-11-29T00:00Z",
    ];

    private static Option<DateTimeOffset?> Time(string name, string description) => new(name)
    {
        HelpName = "TIME",
        Description = description,
        CustomParser = result =>
        {
            if (DateTimeOffset.TryParse(
                result.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return time;
            }

            result.AddError("not a time");
            return null;
        },
    };

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var trails = TrailFile.All(result.GetValue(_trails)!);
        var run = new Reconciliation(
            Records(result.GetValue(_records)!),
            trails,
            new(result.GetValue(_from), result.GetValue(_to), result.GetValue(_tenant)));
        var (counts, compact) = (new SortedDictionary<string, long>(StringComparer.Ordinal), CliJson.Compact());
        await foreach (var finding in run.RunAsync(cancellationToken))
        {
            counts[finding.Kind] = counts.GetValueOrDefault(finding.Kind) + 1;
            _terminal.WriteLine(
                result.GetValue(_json) ? JsonSerializer.Serialize(finding, compact.Finding) : Shown.Line(finding.ToString()));
        }

        foreach (var line in run.Unreadable)
        {
            _terminal.WriteErrorLine($"{line} is not an audit record.");
        }

        if (run.Records == 0 || run.Events == 0)
        {
            // A comparison of nothing must not look like one without differences.
            throw new UsageException(
                run.Records == 0
                    ? "The host's files have no audit record."
                    : "The files of AWS CloudTrail have no event of the five operations.");
        }

        var differences = counts.GetValueOrDefault(FindingKind.OnlyHost) + counts.GetValueOrDefault(FindingKind.OnlyCloudTrail);
        _terminal.WriteErrorLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{run.Records} records, {run.Events} events, {run.Matched} match. Differences: {differences}."
            + $"{string.Concat(counts.Select(count => $" {count.Key}: {count.Value}."))}"));
        return differences > 0 || run.Unreadable.Count > 0 ? ExitCode.Warnings : ExitCode.Success;
    }

    private static IReadOnlyList<string> Records(string argument) =>
        Directory.Exists(argument)
            ? [.. Directory.EnumerateFiles(argument, "*.jsonl", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
            : File.Exists(argument) ? [argument] : throw new UsageException($"There is no file {argument}.");
}
