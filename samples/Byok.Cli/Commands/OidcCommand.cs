using System.CommandLine;
using Byok.Cli.Settings;
using Byok.Cli.Terraform;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok policy oidc</summary>
internal sealed class OidcCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly PolicyOptions _policy = new();
    private readonly Option<string> _accountName = new("--account-name")
    {
        HelpName = "NAME",
        Description = "The customer's account at the host, which the tokens name as account:NAME.",
        Required = true,
    };

    private readonly Option<string?> _awsAccount = new("--aws-account")
    {
        HelpName = "ID",
        Description = "The customer's AWS account, 12 digits. Default: that of the key ARN; not needed with --terraform.",
    };

    private readonly Option<string> _provider = new("--provider-host")
    {
        HelpName = "HOST",
        Description = $"The host's issuer without https://, for example {ByokPolicies.ScalrProviderHost}.",
        Required = true,
    };

    public OidcCommand(CliContext context)
        : base(
            "oidc",
            "Write the trust policy of the role, for tokens of the host's issuer. As Terraform: the key, its replicas, the identity "
            + "provider and the role.")
    {
        _context = context;
        Options.Add(_accountName);
        Options.Add(_awsAccount);
        Options.Add(_provider);
        _policy.AddTo(this, _key.Settings, _key.Audience, _key.KeyArn, _key.ReplicaRegions);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok policy oidc --account-name acme -s acme.json \\",
        "    --provider-host id.example.com",
        "byok policy oidc --account-name acme --audience aud \\",
        "    --provider-host id.example.com --terraform > byok.tf",
    ];

    private async Task RunAsync(ParseResult result, CancellationToken _)
    {
        await using var host = KeyHost.Open(_context, new SettingsReader(_context, _key).Read(result));
        var settings = host.ReadForPolicy();
        var (audience, provider) =
            (settings.Credentials.Audience ?? throw new UsageException("An audience is needed: --audience."), result.GetValue(_provider)!);
        var (key, terraform) = (PolicyOptions.FindKeyArn(settings), _policy.IsTerraform(result));
        var partition = key?.Partition ?? "aws";
        var account = result.GetValue(_awsAccount) ?? key?.AccountId ?? (terraform ? KeyStack.AnyAccount : null)
            ?? throw new UsageException("The customer's AWS account is needed: --aws-account, or --key-arn.");
        var trust = ByokPolicies.OidcTrust(account, audience, result.GetValue(_accountName)!, provider, partition);
        var providerArn = $"arn:{partition}:iam::{account}:oidc-provider/{provider}";
        _context.Terminal.WriteLine(
            terraform ? _policy.Stack(result, settings).WithProviderAndRole(trust, providerArn, provider, audience) : trust);
    }
}
