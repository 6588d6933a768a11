using System.CommandLine;
using Byok.Cli.Settings;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok policy permissions</summary>
internal sealed class PermissionsCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly PolicyOptions _policy = new();
    private readonly Option<bool> _noDescribeKey =
        new("--no-describe-key") { Description = "Leave kms:DescribeKey out, which is recommended but not required." };

    private readonly ContextOption _pairs = new()
    {
        HelpName = "NAME=VALUE",
        Description = "A pair that the encryption context of each request must have. Repeatable.",
    };

    public PermissionsCommand(CliContext context)
        : base("permissions", "Write the permission policy of the user or the role. As Terraform: the key, its replicas and an IAM user.")
    {
        _context = context;
        Options.Add(_noDescribeKey);
        Options.Add(_pairs);
        _policy.AddTo(this, _key.Settings, _key.KeyArn, _key.ReplicaRegions);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok policy permissions --key-arn $ARN",
        "byok policy permissions -s acme.json",
        "byok policy permissions -s acme.json -c env=prod",
        "byok policy permissions --terraform > byok.tf",
    ];

    private async Task RunAsync(ParseResult result, CancellationToken _)
    {
        await using var host = KeyHost.Open(_context, new SettingsReader(_context, _key).Read(result));
        var settings = host.ReadForPolicy();
        var (describeKey, pairs) = (!result.GetValue(_noDescribeKey), _pairs.Read(result));
        _context.Terminal.WriteLine(
            _policy.IsTerraform(result) ? _policy.Stack(result, settings, describeKey, pairs).WithUser()
            : ByokPolicies.KeyPermissions(PolicyOptions.DemandKeyArn(settings), settings.ReplicaRegions, describeKey, pairs));
    }
}
