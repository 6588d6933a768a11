using System.CommandLine;
using Byok.Cli.Output;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok policy external-id</summary>
internal sealed class ExternalIdCommand : Command, IHasExamples
{
    private readonly Terminal _terminal;

    public ExternalIdCommand(CliContext context)
        : base("external-id", "Print a new random external ID. The host creates one for each customer.")
    {
        _terminal = context.Terminal;
        SetAction(_ => _terminal.WriteLine(ByokPolicies.NewExternalId()));
    }

    public IReadOnlyList<string> Examples => ["byok policy external-id"];
}
