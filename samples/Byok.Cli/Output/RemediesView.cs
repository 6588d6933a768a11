using System.Globalization;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>Writes remedies of the steps that did not pass. Policies have lines of their own, so that they can be copied.</summary>
internal sealed class RemediesView(Terminal terminal)
{
    public void Show(ByokVerification verification)
    {
        foreach (var step in verification.Steps.Where(
            step => step.Outcome is ByokVerificationOutcome.Warning or ByokVerificationOutcome.Failed))
        {
            if (step.Remedy is { } remedy)
            {
                terminal.WriteLine();
                Text($"[bold]{Shown.Markup(StepWords.NameOf(step))}[/]: {Shown.Markup(remedy)}{Request(step)}");
            }

            if (step.Policy is { } policy)
            {
                terminal.WriteLine();
                terminal.WriteLine(policy);
            }
        }

        terminal.WriteLine();
        var seconds = verification.Duration.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        Text(
            !verification.Succeeded ? $"[red]The key cannot be used with these settings.[/] ({seconds} s)"
            : verification.Steps.Any(step => step.Outcome == ByokVerificationOutcome.Warning)
            ? $"[yellow]The key can be used; see the warnings.[/] ({seconds} s)"
            : $"[green]The key can be used.[/] ({seconds} s)");
    }

    private static string Request(ByokVerificationStep step) =>
        step.RequestId is { } id ? $" [dim](AWS request {Shown.Markup(id)})[/]" : "";

    private void Text(string markup)
    {
        if (terminal.OutputIsTerminal)
        {
            terminal.Out.MarkupLine(markup);
        }
        else
        {
            terminal.WriteLine(Markup.Remove(markup));
        }
    }
}
