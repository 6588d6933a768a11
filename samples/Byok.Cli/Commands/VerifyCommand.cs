using System.CommandLine;
using System.Text.Json;
using Byok.Cli.Output;
using Byok.Cli.Settings;
using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok verify</summary>
internal sealed class VerifyCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly Option<int> _wait = new("--wait")
    {
        HelpName = "SECONDS",
        Description = "How long denied steps are tried again, up to an hour: AWS can need minutes to spread a change. Default: not at all.",
    };

    private readonly ContextOption _pairs = new()
    {
        HelpName = "NAME=VALUE",
        Description = "A pair of the encryption context to try, for policies with kms:EncryptionContext conditions. Repeatable.",
    };

    private readonly Option<string?> _tenant = new("--tenant")
    {
        HelpName = "NAME",
        Description = "The tenant whose key ring will use the settings: its pair scalr:tenant is tried as well. Default: none.",
    };

    private readonly Option<bool> _dataKeys = new("--data-keys") { Description = "Try the encryption context of data keys." };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON." };

    public VerifyCommand(CliContext context)
        : base("verify", "Try the key settings step by step, and say what to do about each step that fails.")
    {
        _context = context;
        _tenant.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && token.Value.Length is 0 or > 1000)
            {
                result.AddError("not 1 to 1000 characters");
            }
        });
        _wait.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var seconds) && seconds is >= 0 and <= 3600))
            {
                result.AddError("out of range");
            }
        });
        Options.Add(_wait);
        Options.Add(_pairs);
        Options.Add(_tenant);
        Options.Add(_dataKeys);
        Options.Add(_json);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok verify -s acme.json",
        "byok verify -s acme.json --wait 300 --json",
        "byok verify -s acme.json --tenant acme -c env=prod",
        "byok verify --key-arn $ARN --credentials-type AccessKeys",
    ];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var pairs = _pairs.Read(result);
        var settings = await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken);
        var tenant = result.GetValue(_tenant);
        await using var host = KeyHost.Open(_context, settings, tenant);
        var key = host.Key;
        if (!settings.Configuration.GetSection(KeySettings.KeySection).Exists())
        {
            throw new UsageException(
                "The configuration section Key does not exist or is empty; expected KeyArn and Credentials in it. "
                    + "A settings file for byok has the customer's settings in the section Key.");
        }

        if (host.Host.HostAccountId is null && settings.UsesType(ByokCredentialSettings.AssumeRoleType))
        {
            throw new UsageException(
                "Credentials of type AssumeRole need the AWS account of the host: "
                    + "give --host-account, or Byok:HostAccountId in the settings file or the environment.");
        }

        var (terminal, json) = (_context.Terminal, result.GetValue(_json));
        Task<ByokVerification> VerifyAsync(IProgress<ByokVerificationProgress>? progress) => host.Verifier.VerifyAsync(
            key,
            tenant,
            new ByokVerificationOptions
            {
                Progress = progress,
                WaitForPropagation = TimeSpan.FromSeconds(result.GetValue(_wait)),
                EncryptionContext = pairs,
                ForDataKeys = result.GetValue(_dataKeys),
            },
            cancellationToken);

        var verification = json ? await VerifyAsync(progress: null) : await new VerificationView(terminal).RunAsync(VerifyAsync);
        if (!terminal.OutputIsTerminal)
        {
            verification = LogCopy.Of(verification, key.Credentials.ExternalId);
        }

        if (json)
        {
            terminal.WriteLine(JsonSerializer.Serialize(verification, CliJson.Default.ByokVerification));
        }
        else
        {
            new RemediesView(terminal).Show(verification);
        }

        return Code(verification);
    }

    private static int Code(ByokVerification verification)
    {
        var failed =
            verification.Steps.Where(step => step.Outcome is ByokVerificationOutcome.Failed or ByokVerificationOutcome.Unknown).ToList();
        return failed.Count == 0
            ? verification.Steps.Any(step => step.Outcome == ByokVerificationOutcome.Warning) ? ExitCode.Warnings : ExitCode.Success
                : failed.TrueForAll(IsOutage) ? ExitCode.ServiceFailing : ExitCode.KeyUnusable;
    }

    /// <summary>Whether AWS gave no usable answer in the step. A denial is an answer.</summary>
    private static bool IsOutage(ByokVerificationStep step) => step is { Reason: null, Operation: not null };
}
