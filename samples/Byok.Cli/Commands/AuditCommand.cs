using System.CommandLine;

namespace Byok.Cli.Commands;

/// <summary>byok audit</summary>
internal sealed class AuditCommand : Command
{
    public AuditCommand(CliContext context)
        : base("audit", "Check the records that a host keeps of its requests to AWS.") =>
        Subcommands.Add(new ReconcileCommand(context));
}
