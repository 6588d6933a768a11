using System.Text.Json;
using Byok.Cli.Files;
using Byok.Cli.Output;
using Spectre.Console;

namespace Byok.Cli.Commands;

/// <summary>Reports the results of files: failures always, other results at a terminal or as JSON.</summary>
internal sealed class FilesView(Terminal terminal)
{
    /// <param name="report">The results.</param>
    /// <param name="json">Whether a program reads standard output.</param>
    /// <param name="verbose">Whether stack traces are shown.</param>
    /// <param name="done">The action, as in "3 files encrypted".</param>
    public void Show(FilesReport report, bool json, bool verbose, string done)
    {
        if (json)
        {
            terminal.WriteLine(JsonSerializer.Serialize(report, CliJson.Default.FilesReport));
        }

        foreach (var file in report.Files.Where(file => file.Outcome == FileOutcome.Failed))
        {
            terminal.WriteErrorLine($"byok: {Shown.Line(file.Source)}: {Shown.Line(file.Message!)}");
            if (verbose)
            {
                terminal.WriteErrorLine(file.Error!.ToString());
            }
        }

        if (!json && terminal.ErrorIsTerminal)
        {
            var color = report.Failed == 0 ? "green" : "yellow";
            terminal.Error.MarkupLine(
                $"[{color}]{Summary(report, done)}[/]"
                + $"{(report is { Failed: 0, Files: [var one] } ? $" [dim]{Shown.Markup(one.Target)}[/]" : "")}");
        }
    }

    /// <summary>All in one line.</summary>
    public static string Summary(FilesReport report, string done)
    {
        List<string> parts = [$"{Shown.Count(report.Done, "file")} {done} ({Shown.Bytes(report.Bytes)})"];
        if (report.Unchanged > 0)
        {
            parts.Add($"{report.Unchanged} already under the current key");
        }

        if (report.Failed > 0)
        {
            parts.Add($"{report.Failed} failed and left as they were");
        }

        return report.Files.Count == 0 ? "There is nothing to do." : string.Join(", ", parts);
    }
}
