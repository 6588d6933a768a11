using System.CommandLine;
using Byok.Cli.Terraform;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>The options of the commands that write policies.</summary>
internal sealed class PolicyOptions
{
    private readonly Option<bool> _terraform = new("--terraform")
    {
        Description = "Write a Terraform configuration, formatted as terraform fmt does. Without a key ARN it creates a multi-Region key "
            + "with a replica.",
    };

    private readonly Option<string> _region = new("--region")
    {
        HelpName = "REGION",
        Description = "The Region in which --terraform creates the key, if there is no key ARN.",
        DefaultValueFactory = _ => "us-east-1",
    };

    /// <summary>Adds them, and the options of the key that change a policy.</summary>
    public void AddTo(Command command, params ReadOnlySpan<Option> ofTheKey)
    {
        command.Options.Add(_terraform);
        command.Options.Add(_region);
        foreach (var option in ofTheKey)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether Terraform configuration is asked for, not JSON.</summary>
    public bool IsTerraform(ParseResult result) => result.GetValue(_terraform);

    /// <summary>The beginning of the configuration.</summary>
    public KeyStack Stack(
        ParseResult result,
        ByokKeySettings settings,
        bool describeKey = true,
        IReadOnlyDictionary<string, string>? encryptionContext = null) =>
        KeyStack.For(settings, result.GetValue(_region)!, describeKey, encryptionContext);

    /// <summary>The key ARN.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static KmsKeyArn DemandKeyArn(ByokKeySettings settings) =>
        FindKeyArn(settings) ?? throw new UsageException("A key is needed: --key-arn.");

    /// <summary>The key ARN; null if there is none.</summary>
    /// <exception cref="UsageException">The text is not a key ARN.</exception>
    public static KmsKeyArn? FindKeyArn(ByokKeySettings settings)
    {
        if (string.IsNullOrEmpty(settings.KeyArn))
        {
            return null;
        }

        try
        {
            return KmsKeyArn.Parse(settings.KeyArn);
        }
        catch (FormatException error)
        {
            throw new UsageException(error.Message);
        }
    }
}
