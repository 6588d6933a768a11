using System.CommandLine;
using System.Text.Json;
using Byok.Cli.Output;
using Byok.Cli.Settings;

namespace Byok.Cli.Commands;

/// <summary>byok health</summary>
internal sealed class HealthCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly Option<bool> _watch =
        new("--watch", "-w") { Description = "Repeat the query, and log each change with its time, until Ctrl+C." };
    private readonly Option<double> _interval = new("--interval")
    {
        HelpName = "SECONDS",
        Description = "The seconds between two queries of --watch: 0.1 to 3600.",
        DefaultValueFactory = _ => 5,
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON; with --watch one line for each change." };

    public HealthCommand(CliContext context)
        : base("health", "Query the state of the key and its replicas by kms:DescribeKey.")
    {
        _context = context;
        _interval.Validators.Add(result =>
        {
            if (result.Tokens is [var token]
                && !(double.TryParse(token.Value, System.Globalization.CultureInfo.InvariantCulture, out var seconds)
                    && seconds is >= 0.1 and <= 3600))
            {
                result.AddError("out of range");
            }
        });
        Options.Add(_watch);
        Options.Add(_interval);
        Options.Add(_json);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "byok health -s acme.json",
        "byok health --watch --interval 10 -s acme.json",
        "byok health --watch --json -s acme.json >> acme.jsonl",
    ];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        await using var host = KeyHost.Open(_context, await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var (ring, json) = (host.Ring, result.GetValue(_json));
        if (result.GetValue(_watch))
        {
            return await new HealthWatch(
                _context, ring, TimeSpan.FromSeconds(result.GetValue(_interval)), json).RunAsync(cancellationToken);
        }

        var health = await ring.ProbeAsync(cancellationToken);
        if (json)
        {
            _context.Terminal.WriteLine(JsonSerializer.Serialize(health, CliJson.Default.ByokKeyHealth));
        }
        else
        {
            new HealthView(_context.Terminal).Log(health);
        }

        return HealthView.CodeOf(health);
    }
}
