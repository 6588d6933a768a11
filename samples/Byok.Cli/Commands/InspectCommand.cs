using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Byok.Cli.Files;
using Byok.Cli.Output;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Commands;

/// <summary>byok inspect</summary>
internal sealed class InspectCommand : Command, IHasExamples
{
    private const string Warning = "Not authenticated: the sender may have written any of this.";

    private readonly Terminal _terminal;
    private readonly Argument<string> _file = new("FILE") { Description = "A message; - for standard input." };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON." };

    public InspectCommand(CliContext context)
        : base("inspect", "Show the header of a message, without a key and without AWS.")
    {
        _terminal = context.Terminal;
        Arguments.Add(_file);
        Options.Add(_json);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["byok inspect report.pdf.byok", "byok inspect report.byok --json | jq .encryptedDataKeys"];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var name = result.GetValue(_file)!;
        var header = await ReadAsync(name, cancellationToken);
        if (result.GetValue(_json))
        {
            _terminal.WriteLine(JsonSerializer.Serialize(MessageReport.Of(header), CliJson.Default.MessageReport));
            return ExitCode.Success;
        }

        var tree = new Tree($"[bold]{Shown.Markup(name)}[/] [yellow]{Warning}[/]");
        tree.AddNode(
            $"algorithm suite [bold]{header.AlgorithmSuiteId:X4}[/] {Shown.Markup(header.AlgorithmSuite)}"
            + $"{(header.IsSigned ? ", signed" : "")}");
        tree.AddNode($"message id {Convert.ToHexStringLower(header.MessageId.Span)}");
        var keys = tree.AddNode($"data key, wrapped {Shown.Count(header.EncryptedDataKeyCount, "time")}, under");
        keys.AddNodes(header.KeyArns.Select(arn => Shown.Markup(arn.ToString())));
        if (header.EncryptedDataKeyCount > header.KeyArns.Count)
        {
            keys.AddNode($"{header.EncryptedDataKeyCount - header.KeyArns.Count} that AWS KMS does not have");
        }

        var pairs = tree.AddNode(header.EncryptionContext.Count == 0 ? "no encryption context" : "encryption context");
        pairs.AddNodes(header.EncryptionContext.Select(pair => $"{Shown.Markup(pair.Key)} = {Shown.Markup(pair.Value)}"));
        tree.AddNode(header.IsFramed ? $"frames of {Number(header.FrameLength)} bytes" : "one block, no frames");
        tree.AddNode($"header of {Number(header.HeaderLength)} bytes");
        _terminal.Out.Write(tree);
        return ExitCode.Success;
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private async Task<UnauthenticatedHeader> ReadAsync(string name, CancellationToken cancellationToken)
    {
        await using var stream = name == TransferOptions.Standard ? _terminal.OpenInput() : SourceFile.Open(name);
        return await ByokMessage.ReadAsync(stream, cancellationToken: cancellationToken);
    }
}
