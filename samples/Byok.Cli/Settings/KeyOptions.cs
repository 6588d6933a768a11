using System.CommandLine;

namespace Byok.Cli.Settings;

/// <summary>The options for the key, the same for every command. None of them takes a secret.</summary>
internal sealed class KeyOptions
{
    public Option<FileInfo?> Settings { get; } = new("--settings", "-s")
    {
        HelpName = "FILE",
        Description = "A JSON file with the sections Byok (the host's) and Key (the customer's), and TokenFile. Environment variables "
            + "such as "
            + "Key__Credentials__SecretAccessKey come before it, options before both.",
    };

    public Option<string?> KeyArn { get; } = new("--key-arn") { HelpName = "ARN", Description = "The KMS key." };

    public Option<string?> CredentialsType { get; } = new("--credentials-type")
    {
        HelpName = "AccessKeys|AssumeRole|Oidc",
        Description = "The type of the credentials.",
    };

    public Option<string?> AccessKeyId { get; } = new("--access-key-id")
    {
        HelpName = "ID",
        Description = "The IAM user's access key ID (AccessKeys). Its secret half comes from the environment, the settings file or a "
            + "prompt.",
    };

    public Option<string?> RoleArn { get; } = new("--role-arn")
    {
        HelpName = "ARN",
        Description = "The customer's role (AssumeRole, Oidc).",
    };

    public Option<string?> ExternalId { get; } = new("--external-id")
    {
        HelpName = "ID",
        Description = "The external ID that the role requires (AssumeRole).",
    };

    public Option<string?> HostAccount { get; } = new("--host-account")
    {
        HelpName = "ID",
        Description = "The AWS account of the host, 12 digits (AssumeRole). Default: Byok:HostAccountId of the settings.",
    };

    public Option<string?> Audience { get; } = new("--audience") { HelpName = "TEXT", Description = "The audience of the token (Oidc)." };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        HelpName = "FILE",
        Description = "The file with the token (Oidc).",
    };

    public Option<string?> Endpoint { get; } = new("--endpoint")
    {
        HelpName = "URL",
        Description = "An address in place of AWS KMS and AWS STS: https, or http on this machine.",
    };

    public Option<string[]> ReplicaRegions { get; } = new("--replica-region")
    {
        HelpName = "REGION",
        Description = "A Region that has a replica of the key. Repeatable, or several with commas.",
    };

    public Option<string[]> AllowedRegions { get; } = new("--allow-region")
    {
        HelpName = "REGION",
        Description = "A Region that the key may be in, instead of us-east-1 and us-east-2. Repeatable, or several with commas.",
    };

    public void AddTo(Command command)
    {
        Option[] all =
        [
            Settings,
            KeyArn,
            CredentialsType,
            AccessKeyId,
            RoleArn,
            ExternalId,
            HostAccount,
            Audience,
            TokenFile,
            Endpoint,
            ReplicaRegions,
            AllowedRegions,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }
    }
}
