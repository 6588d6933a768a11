using System.CommandLine;
using Byok.Cli.Commands;
using Byok.Cli.Output;
using Spectre.Console;

namespace Byok.Cli;

/// <summary>All commands: parses, runs, and turns each failure into a message and an exit code.</summary>
internal sealed class CommandLine
{
    private readonly Terminal _terminal;
    private readonly ByokCommand _root;

    public CommandLine(CliContext context)
    {
        _terminal = context.Terminal;
        _root = new ByokCommand(context);
    }

    public async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        // A file may be called @name: no argument is read from a file.
        var parsed = _root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is not HelpWithExamples && ParseErrors.Find(parsed) is { Count: > 0 } complaints)
        {
            Complain(new Failure(complaints, ExitCode.Usage));
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                    Output = _terminal.Out.Profile.Out.Writer,
                    Error = _terminal.Error.Profile.Out.Writer,
                },
                cancellationToken);
        }
        catch (Exception error)
        {
            var failure = Failure.Of(error);
            Complain(failure);
            if (Verbosity.Of(parsed))
            {
                _terminal.WriteErrorLine(error.ToString());
            }

            return failure.Code;
        }
    }

    private void Complain(Failure failure)
    {
        foreach (var (index, line) in failure.Lines.Index())
        {
            if (_terminal.ErrorIsTerminal)
            {
                _terminal.Error.MarkupLine($"{(index == 0 ? "[red]byok:[/]" : "     ")} {Shown.Markup(line)}");
            }
            else
            {
                _terminal.WriteErrorLine($"{(index == 0 ? "byok:" : "     ")} {Shown.Line(line)}");
            }
        }
    }
}
