using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Scalr.Byok.Kms;

namespace WebHost.Telemetry;

/// <summary>Exports activities and metrics. <c>OpenTelemetry:Exporter</c> is console or otlp; without it, nothing is sent.</summary>
/// <remarks>The address for otlp is in the environment variable OTEL_EXPORTER_OTLP_ENDPOINT.</remarks>
internal static class HostTelemetry
{
    public static void AddHostTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<KeyMetrics>().AddHostedService(services => services.GetRequiredService<KeyMetrics>());
        var exporter = builder.Configuration["OpenTelemetry:Exporter"];
        if (exporter is null)
        {
            return;
        }

        if (exporter is not ("console" or "otlp"))
        {
            throw new InvalidOperationException("OpenTelemetry:Exporter is neither console nor otlp.");
        }

        builder.Services.AddOpenTelemetry()
            .WithTracing(traces =>
            {
                traces.AddSource(ByokTelemetry.ActivitySourceName, "Microsoft.AspNetCore");
                _ = exporter == "console" ? traces.AddConsoleExporter() : traces.AddOtlpExporter();
            })
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(ByokTelemetry.MeterName, "Microsoft.AspNetCore.Hosting");
                _ = exporter == "console" ? metrics.AddConsoleExporter() : metrics.AddOtlpExporter();
            });
    }
}
