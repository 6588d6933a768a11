using System.CommandLine;
using Byok.Cli.Settings;

namespace Byok.Cli.Commands;

/// <summary>byok decrypt</summary>
internal sealed class DecryptCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly TransferOptions _transfer = new();
    private readonly ContextOption _pairs = new()
    {
        HelpName = "NAME=VALUE",
        Description = "A pair that the message must have been encrypted with; it may have more. Repeatable.",
    };

    public DecryptCommand(CliContext context)
        : base("decrypt", "Decrypt files, directories or standard input. Nothing is written that is not authenticated to its end.")
    {
        _context = context;
        _transfer.AddTo(this);
        Options.Add(_pairs);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok decrypt report.pdf.byok -c account=acme -s acme.json",
        "byok decrypt vault -o documents -s acme.json",
        "byok decrypt acme.byok -o - -s acme.json | psql acme",
    ];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var transfer = new Transfer(_context.Terminal, _transfer.Read(result), encrypts: false);
        var pairs = _pairs.Read(result);
        await using var host = KeyHost.Open(await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var ring = host.Ring;
        return await transfer.RunAsync(
            (source, target, token) => ring.DecryptAsync(source, target, pairs, token), Verbosity.Of(result), cancellationToken);
    }
}
