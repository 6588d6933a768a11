using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>
/// The three standard streams, as bytes and as text. Data goes to standard output, messages about it to standard error.
/// </summary>
internal sealed class Terminal
{
    /// <summary>Wider than any line, because a program that reads a pipe needs complete lines.</summary>
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
    /// Tables and trees at a terminal. Wraps lines, so text to copy or parse goes to <see cref="WriteLine"/>.
    /// </summary>
    public IAnsiConsole Out { get; }

    /// <summary>Progress, prompts and errors.</summary>
    public IAnsiConsole Error { get; }

    public bool InputIsTerminal { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>The streams of this process.</summary>
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

    /// <summary>Writes a line to standard output, without wrapping, colours or cuts.</summary>
    public void WriteLine(string line = "") => Out.Profile.Out.Writer.WriteLine(line);

    /// <summary>Writes a line to standard error, without changes.</summary>
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
