using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>
/// The three standard streams, as bytes and as a person sees them. Data goes to the output, messages about it go to the error stream.
/// </summary>
internal sealed class Terminal
{
    /// <summary>Wider than any line: whatever reads a pipe wants lines whole.</summary>
    private const int NoWrapping = 100_000;

    private readonly Func<Stream> _input;
    private readonly Func<Stream> _output;

    public Terminal(IAnsiConsole output, IAnsiConsole error, Func<Stream> openInput, Func<Stream> openOutput)
    {
        Out = output;
        Error = error;
        _input = openInput;
        _output = openOutput;
    }

    /// <summary>
    /// Tables and trees for a person at a terminal. Wraps lines, so what is to be copied or parsed goes to <see cref="WriteLine"/>.
    /// </summary>
    public IAnsiConsole Out { get; }

    /// <summary>Progress, prompts and errors.</summary>
    public IAnsiConsole Error { get; }

    public bool InputIsTerminal { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>This process's own.</summary>
    public static Terminal Attach() => new(
        Console(System.Console.Out, System.Console.IsOutputRedirected),
        Console(System.Console.Error, System.Console.IsErrorRedirected),
        System.Console.OpenStandardInput,
        System.Console.OpenStandardOutput)
    {
        InputIsTerminal = !System.Console.IsInputRedirected,
        OutputIsTerminal = !System.Console.IsOutputRedirected,
        ErrorIsTerminal = !System.Console.IsErrorRedirected,
    };

    /// <summary>Standard input as bytes.</summary>
    public Stream OpenInput() => new InterruptibleStream(_input());

    /// <summary>Standard output as bytes.</summary>
    public Stream OpenOutput() => new InterruptibleStream(_output());

    /// <summary>A line of standard output as it is: never wrapped, coloured or shortened.</summary>
    public void WriteLine(string line = "") => Out.Profile.Out.Writer.WriteLine(line);

    /// <summary>A line of standard error as it is.</summary>
    public void WriteErrorLine(string line) => Error.Profile.Out.Writer.WriteLine(line);

    private static IAnsiConsole Console(TextWriter writer, bool isRedirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        if (isRedirected)
        {
            console.Profile.Width = NoWrapping;
        }

        return console;
    }
}
