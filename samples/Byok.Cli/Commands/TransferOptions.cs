using System.CommandLine;

namespace Byok.Cli.Commands;

/// <summary>The options of encrypt and decrypt for files.</summary>
internal sealed class TransferOptions
{
    /// <summary>Stands for standard input or output.</summary>
    public const string Standard = "-";

    public Argument<string[]> Sources { get; } = new("FILE")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = "Files and directories; none, or -, for standard input.",
    };

    public Option<string?> Output { get; } = new("--output", "-o")
    {
        HelpName = "PATH",
        Description = "The file or directory to write; - for standard output. Default: beside each file; from standard input, standard "
            + "output.",
    };

    public Option<bool> Force { get; } = new("--force", "-f") { Description = "Replace existing files." };

    public Option<int> Parallel { get; } = ParallelOption.Create();

    public Option<bool> Json { get; } = new("--json") { Description = "Print the result of each file as JSON." };

    public void AddTo(Command command)
    {
        command.Arguments.Add(Sources);
        command.Options.Add(Output);
        command.Options.Add(Force);
        command.Options.Add(Parallel);
        command.Options.Add(Json);
    }

    /// <exception cref="UsageException">The options do not go together.</exception>
    public TransferRequest Read(ParseResult result)
    {
        var sources = result.GetValue(Sources) is { Length: > 0 } given ? given : [Standard];
        var output = result.GetValue(Output);
        var request = new TransferRequest(
            sources,
            output is null && sources is [Standard] ? Standard : output,
            result.GetValue(Force),
            result.GetValue(Parallel),
            result.GetValue(Json));
        if (sources.Length > 1 && (sources.Contains(Standard) || request.Output == Standard))
        {
            throw new UsageException("Standard input and output stand for one file; there are several here.");
        }

        if (request is { Json: true, IsStream: true })
        {
            throw new UsageException("--json is for files: here, standard output is for the data.");
        }

        if (request.Output == Standard && Directory.Exists(sources[0]))
        {
            throw new UsageException($"{sources[0]} is a directory: say with --output where the files go.");
        }

        return request;
    }
}
