using System.CommandLine;
using Byok.Cli.Settings;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok policy assume-role</summary>
internal sealed class AssumeRoleCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly PolicyOptions _policy = new();
    private readonly Option<string?> _hostAccount = new("--host-account")
    {
        HelpName = "ID",
        Description = $"The AWS account of the host, 12 digits. Default: Byok:HostAccountId, else {ByokPolicies.ScalrAccountId} (Scalr).",
    };

    public AssumeRoleCommand(CliContext context)
        : base("assume-role", "Who may assume the role: the host, with the external ID. As Terraform: the key, its replicas and the role.")
    {
        _context = context;
        Options.Add(_hostAccount);
        _policy.AddTo(this, _key.Settings, _key.ExternalId, _key.KeyArn, _key.ReplicaRegions);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok policy assume-role --external-id $ID",
        "byok policy assume-role -s acme.json --terraform > byok.tf",
    ];

    private void Run(ParseResult result)
    {
        var settings = new SettingsReader(_context, _key).Read(result);
        var externalId = settings.Key.Credentials.ExternalId
            ?? throw new UsageException("An external ID is needed: --external-id. Make one with: byok policy external-id");
        var account = result.GetValue(_hostAccount) ?? settings.Host[nameof(ByokOptions.HostAccountId)] ?? ByokPolicies.ScalrAccountId;
        var partition = PolicyOptions.FindKeyArn(settings.Key)?.Partition ?? "aws";
        var trust = ByokPolicies.AssumeRoleTrust(externalId, account, partition);
        _context.Terminal.WriteLine(_policy.IsTerraform(result) ? _policy.Stack(result, settings.Key).WithRole(trust) : trust);
    }
}
