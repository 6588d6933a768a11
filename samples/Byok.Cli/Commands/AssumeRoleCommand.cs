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

    public AssumeRoleCommand(CliContext context)
        : base("assume-role", "Write the trust policy of the role, with the external ID. As Terraform: the key, its replicas and the role.")
    {
        _context = context;
        _policy.AddTo(this, _key.Settings, _key.ExternalId, _key.HostAccount, _key.KeyArn, _key.ReplicaRegions);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok policy assume-role --external-id $ID \\",
        "    --host-account $ACCOUNT",
        "byok policy assume-role -s acme.json --terraform > byok.tf",
    ];

    private async Task RunAsync(ParseResult result, CancellationToken _)
    {
        await using var host = KeyHost.Open(_context, new SettingsReader(_context, _key).Read(result));
        var settings = host.ReadForPolicy();
        var externalId = settings.Credentials.ExternalId
            ?? throw new UsageException("An external ID is needed: --external-id. Make one with: byok policy external-id");
        var account = host.Host.HostAccountId ?? throw new UsageException("The AWS account of the host is needed: --host-account.");
        var partition = PolicyOptions.FindKeyArn(settings)?.Partition ?? "aws";
        var trust = ByokPolicies.AssumeRoleTrust(externalId, account, partition);
        _context.Terminal.WriteLine(_policy.IsTerraform(result) ? _policy.Stack(result, settings).WithRole(trust) : trust);
    }
}
