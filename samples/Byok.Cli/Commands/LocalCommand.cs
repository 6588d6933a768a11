using System.CommandLine;
using System.Text.Json;
using Byok.Cli.Local;
using Byok.Cli.Output;
using LocalAws;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok local</summary>
internal sealed class LocalCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly Option<string> _out = new("--out")
    {
        HelpName = "DIRECTORY",
        Description = "Where the settings files are written.",
        DefaultValueFactory = _ => "byok-local",
    };

    private readonly Option<int> _port =
        new("--port") { HelpName = "PORT", Description = "The port on 127.0.0.1. Default: a free port." };
    private readonly Option<bool> _json = new("--json") { Description = "Print what was started as one line of JSON." };

    public LocalCommand(CliContext context)
        : base(
            "local",
            "Start LocalAws in place of AWS on this machine, with a demo customer for each credentials type, until Ctrl+C. For trying "
            + "things out.")
    {
        _context = context;
        _port.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var port) && port is >= 0 and <= 65535))
            {
                result.AddError("out of range");
            }
        });
        Options.Add(_out);
        Options.Add(_port);
        Options.Add(_json);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["byok local", "byok local --port 4599 --out /tmp/demo --json"];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var directory = result.GetValue(_out)!;
        await using var demo = await DemoCustomer.StartAsync(
            new LocalAwsOptions { Port = result.GetValue(_port), Time = _context.Time }, ByokPolicies.NewExternalId(), cancellationToken);
        var files = new DemoFiles(demo, directory);
        var report = new LocalReport(
            demo.Aws.Endpoint,
            directory,
            demo.Key.Arn,
            demo.NextKey.Arn,
            Control(demo, "disable"),
            Control(demo, "enable"),
            await files.WriteAsync(cancellationToken));
        if (result.GetValue(_json))
        {
            _context.Terminal.WriteLine(JsonSerializer.Serialize(report, CliJson.Compact().LocalReport));
        }
        else
        {
            Explain(report);
        }

        try
        {
            await files.RenewTokenAsync(_context.Time, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl+C ends this command.
        }

        return ExitCode.Success;
    }

    private static Uri Control(DemoCustomer demo, string action) =>
        new(demo.Aws.Endpoint, $"/_local/keys/{demo.Key.Region}/{demo.Key.KeyId}/{action}");

    private void Explain(LocalReport report)
    {
        var first = report.Settings[0];
        _context.Terminal.WriteLine($"""
            AWS KMS and AWS STS are played on {report.Endpoint} until Ctrl+C. Everything is in memory; use no real data.
            Settings are in {report.Directory}, by credentials type: {string.Join(", ", report.Settings.Select(settings => Path.GetFileName(settings.Settings)))}

            In another terminal:

              byok verify --settings {first.Settings}
              echo hello > hello.txt
              byok encrypt hello.txt --context greeting=1 --settings {first.Settings}
              byok inspect hello.txt.byok
              byok decrypt hello.txt.byok --output - --context greeting=1 --settings {first.Settings}
              byok health --watch --interval 1 --settings {first.Settings}

            The customer disables the key, and enables it again:

              curl -X POST {report.DisableKey}
              curl -X POST {report.EnableKey}

            The customer changes to another key, and every message moves to it:

              byok reencrypt hello.txt.byok --settings {first.NextSettings}
            """);
    }
}
