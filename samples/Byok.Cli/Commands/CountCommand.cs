using System.CommandLine;
using System.Text.Json;
using Byok.Cli.Files;
using Byok.Cli.Output;
using Byok.Cli.Settings;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok count</summary>
internal sealed class CountCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly Argument<string[]> _files = new("FILE")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "Files, and directories of files. Names that end in .byok are messages, all others plaintext.",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print the numbers as JSON." };

    public CountCommand(CliContext context)
        : base("count", "Count files by the key in their headers, without AWS: shows whether an old key is still needed.")
    {
        _context = context;
        Arguments.Add(_files);
        Options.Add(_json);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["byok count vault -s acme-next.json", "byok count vault --json -s acme-next.json"];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var source = new FileSource(result.GetValue(_files)!);
        await using var host = KeyHost.Open(_context, await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var count = await ByokReencryption.CountAsync(
            source, ReencryptionKey.Ring(host.Ring), new() { BatchSize = 10 }, cancellationToken);
        _context.Terminal.WriteLine(
            result.GetValue(_json) ? JsonSerializer.Serialize(count, CliJson.Default.ReencryptionCount) : count.ToString());
        return count.Remaining == 0 ? ExitCode.Success : ExitCode.Warnings;
    }
}
