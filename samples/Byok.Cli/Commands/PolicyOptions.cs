using System.CommandLine;
using Byok.Cli.Terraform;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>What the commands that write policies have in common.</summary>
internal sealed class PolicyOptions
{
    private readonly Option<bool> _terraform = new("--terraform")
    {
        Description = "Write a Terraform configuration, formatted as terraform fmt does. Without a key ARN it makes a multi-Region key "
            + "with a replica.",
    };

    private readonly Option<string> _region = new("--region")
    {
        HelpName = "REGION",
        Description = "Where --terraform makes the key, if there is no key ARN.",
        DefaultValueFactory = _ => "us-east-1",
    };

    /// <summary>Adds them, and those of the key that make a difference.</summary>
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
    /// <exception cref="UsageException">What there is, is no key ARN.</exception>
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
