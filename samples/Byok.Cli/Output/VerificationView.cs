using System.Globalization;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>Shows the steps of a verification as they end: at a terminal as a table that grows, otherwise as lines.</summary>
internal sealed class VerificationView(Terminal terminal)
{
    public async Task<ByokVerification> RunAsync(Func<IProgress<ByokVerificationProgress>, Task<ByokVerification>> verifyAsync)
    {
        if (!terminal.OutputIsTerminal || !terminal.Out.Profile.Capabilities.Ansi)
        {
            return await verifyAsync(new Listener(progress => WriteLine(progress)));
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("Step", "", "What was found");
        table.Columns[0].NoWrap();
        table.Columns[1].NoWrap();
        return await terminal.Out.Live(table).StartAsync(context =>
        {
            context.Refresh();
            var rows = 0;
            return verifyAsync(new Listener(progress =>
            {
                if (table.Rows.Count > rows)
                {
                    table.RemoveRow(rows); // the last try of this step
                }

                table.AddRow(Row(progress));
                rows += progress.RetryIn is null ? 1 : 0;
                context.Refresh();
            }));
        });
    }

    private static string[] Row(ByokVerificationProgress progress)
    {
        var (sign, color) = StepWords.LookOf(progress.Step.Outcome);
        return
        [
            StepWords.NameOf(progress.Step),
            progress.RetryIn is null ? $"[{color}]{sign}[/]" : "[yellow]denied[/]",
            Shown.Markup(progress.Step.Message + Retry(progress)),
        ];
    }

    private static string Retry(ByokVerificationProgress progress) => progress.RetryIn is { } pause
        ? string.Create(CultureInfo.InvariantCulture, $" Tried {progress.Attempt} times; again in {pause.TotalSeconds:0} s.")
        : "";

    private void WriteLine(ByokVerificationProgress progress)
    {
        if (progress.RetryIn is null)
        {
            terminal.WriteLine(
                $"{StepWords.LookOf(progress.Step.Outcome).Sign,-8} {StepWords.NameOf(progress.Step)}: "
                + $"{Shown.Line(progress.Step.Message)}");
        }
    }

    /// <summary>Reports on the caller's thread, in order. <see cref="Progress{T}"/> does not.</summary>
    private sealed class Listener(Action<ByokVerificationProgress> told) : IProgress<ByokVerificationProgress>
    {
        public void Report(ByokVerificationProgress value) => told(value);
    }
}
