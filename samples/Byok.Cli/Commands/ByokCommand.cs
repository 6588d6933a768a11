using System.CommandLine;
using System.CommandLine.Help;

namespace Byok.Cli.Commands;

/// <summary>byok: all commands.</summary>
internal sealed class ByokCommand : RootCommand, IHasExamples
{
    public ByokCommand(CliContext context)
        : base("Encrypt data under a customer's AWS KMS key (bring your own key).")
    {
        Subcommands.Add(new VerifyCommand(context));
        Subcommands.Add(new EncryptCommand(context));
        Subcommands.Add(new DecryptCommand(context));
        Subcommands.Add(new InspectCommand(context));
        Subcommands.Add(new ReencryptCommand(context));
        Subcommands.Add(new CountCommand(context));
        Subcommands.Add(new HealthCommand(context));
        Subcommands.Add(new PolicyCommand(context));
        Subcommands.Add(new AuditCommand(context));
        Subcommands.Add(new LocalCommand(context));
        Options.Add(Verbosity.CreateOption());
        foreach (var help in Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExamples((HelpAction)help.Action!);
        }
    }

    public IReadOnlyList<string> Examples => ["byok local", "byok verify -s byok-local/access-keys.json"];
}
