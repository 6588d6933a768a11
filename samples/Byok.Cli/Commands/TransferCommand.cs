using System.CommandLine;
using Byok.Cli.Settings;

namespace Byok.Cli.Commands;

/// <summary>The common part of byok encrypt and byok decrypt.</summary>
internal abstract class TransferCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly bool _encrypts;
    private readonly KeyOptions _key = new();
    private readonly TransferOptions _transfer = new();
    private readonly ContextOption _pairs;

    protected TransferCommand(CliContext context, bool encrypts, string name, string description, string pairs)
        : base(name, description)
    {
        _context = context;
        _encrypts = encrypts;
        _pairs = new ContextOption { HelpName = "NAME=VALUE", Description = pairs };
        _transfer.AddTo(this);
        Options.Add(_pairs);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public abstract IReadOnlyList<string> Examples { get; }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var transfer = new Transfer(_context.Terminal, _transfer.Read(result), _encrypts);
        var pairs = _pairs.Read(result);
        await using var host = KeyHost.Open(_context, await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var ring = host.Ring;
        return await transfer.RunAsync(
            (source, target, token) =>
                _encrypts ? ring.EncryptAsync(source, target, pairs, token) : ring.DecryptAsync(source, target, pairs, token),
            Verbosity.Of(result),
            cancellationToken);
    }
}
