using System.Text.Json;
using Byok.Cli.Output;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>Repeats the query. A terminal shows the last answer in one line, which is updated. Each change is logged above it.</summary>
internal sealed class HealthWatch(CliContext context, IByokKeyRing ring, TimeSpan interval, bool json)
{
    private readonly HealthView _view = new(context.Terminal);
    private readonly StatusLine? _status = json || !context.Terminal.OutputIsTerminal ? null : new(context.Terminal.Out);
    private ByokKeyHealth? _last;

    /// <returns>The exit code of the last answer.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await WatchAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && _last is not null)
        {
            // Ctrl+C ends this command.
        }

        _status?.Clear();
        return HealthView.CodeOf(_last!);
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, context.Time);
        do
        {
            var health = await ring.ProbeAsync(cancellationToken);
            if (_last is null || Changed(_last, health))
            {
                _status?.Clear();
                Log(health);
            }

            _last = health;
            _status?.Show($"{HealthView.Time(health.CheckedAt)} {HealthView.Status(health)}. Ctrl+C ends.", HealthView.StyleOf(health));
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private static bool Changed(ByokKeyHealth before, ByokKeyHealth now) =>
        (before.Status, before.KeyState, before.Reason) != (now.Status, now.KeyState, now.Reason)
        || !before.Findings.Select(finding => finding.Code).ToHashSet().SetEquals(now.Findings.Select(finding => finding.Code));

    private void Log(ByokKeyHealth health)
    {
        if (json)
        {
            context.Terminal.WriteLine(JsonSerializer.Serialize(health, CliJson.Compact().ByokKeyHealth));
        }
        else
        {
            _view.Log(health);
        }
    }
}
