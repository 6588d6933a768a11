using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>Formats the health of a key as lines.</summary>
internal sealed class HealthView(Terminal terminal)
{
    public static int CodeOf(ByokKeyHealth health) => health switch
    {
        { Status: HealthStatus.Healthy } => ExitCode.Success,
        { Status: HealthStatus.Degraded } => ExitCode.Warnings,
        { Reason: not null } => ExitCode.KeyUnusable,
        _ => ExitCode.ServiceFailing,
    };

    /// <summary>The status, and the state if it is known.</summary>
    public static string Status(ByokKeyHealth health) =>
        $"{health.Status}{(health.KeyState == KmsKeyState.Unknown ? "" : $" ({health.KeyState})")}";

    public static Style StyleOf(ByokKeyHealth health) => Style.Parse(ColorOf(health));

    /// <summary>The time of the probe, the status and the findings.</summary>
    public void Log(ByokKeyHealth health)
    {
        Write($"{Time(health.CheckedAt)} [{ColorOf(health)}]{Status(health)}[/] {Shown.Markup(health.KeyArn.ToString())}");
        foreach (var finding in health.Findings)
        {
            Write($"  [{ColorOf(finding.Severity)}]{finding.Code}[/] ({finding.Owner}): "
                + $"{Shown.Markup(finding.Message)} {Shown.Markup(finding.Remedy)}");
        }
    }

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string ColorOf(ByokKeyHealth health) =>
        health.Status switch { HealthStatus.Healthy => "green", HealthStatus.Degraded => "yellow", _ => "red" };

    private static string ColorOf(ByokKeyFindingSeverity severity) =>
        severity switch { ByokKeyFindingSeverity.Information => "blue", ByokKeyFindingSeverity.Warning => "yellow", _ => "red" };

    private void Write(string markup)
    {
        if (terminal.OutputIsTerminal)
        {
            terminal.Out.MarkupLine(markup);
        }
        else
        {
            terminal.WriteLine(Markup.Remove(markup));
        }
    }
}
