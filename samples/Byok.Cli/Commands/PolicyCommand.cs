using System.CommandLine;

namespace Byok.Cli.Commands;

/// <summary>byok policy</summary>
internal sealed class PolicyCommand : Command
{
    public PolicyCommand(CliContext context)
        : base(
            "policy", "Write the IAM policies that a customer needs, as JSON or as a complete Terraform configuration.")
    {
        Subcommands.Add(new PermissionsCommand(context));
        Subcommands.Add(new AssumeRoleCommand(context));
        Subcommands.Add(new OidcCommand(context));
        Subcommands.Add(new ExternalIdCommand(context));
    }
}
