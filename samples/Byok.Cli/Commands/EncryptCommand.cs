using System.CommandLine;
using Byok.Cli.Settings;

namespace Byok.Cli.Commands;

/// <summary>byok encrypt</summary>
internal sealed class EncryptCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly TransferOptions _transfer = new();
    private readonly ContextOption _pairs = new()
    {
        HelpName = "NAME=VALUE",
        Description = "A pair of the encryption context, bound to the message and readable in it. Repeatable.",
    };

    public EncryptCommand(CliContext context)
        : base("encrypt", "Encrypt files, directories or standard input under the customer's key.")
    {
        _context = context;
        _transfer.AddTo(this);
        Options.Add(_pairs);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok encrypt report.pdf -c account=acme -s acme.json",
        "byok encrypt documents -o vault -s acme.json",
        "pg_dump acme | byok encrypt -s acme.json > acme.byok",
    ];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var transfer = new Transfer(_context.Terminal, _transfer.Read(result), encrypts: true);
        var pairs = _pairs.Read(result);
        await using var host = KeyHost.Open(await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var ring = host.Ring;
        return await transfer.RunAsync(
            (source, target, token) => ring.EncryptAsync(source, target, pairs, token), Verbosity.Of(result), cancellationToken);
    }
}
