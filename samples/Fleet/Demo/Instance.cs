using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms;

namespace Fleet.Demo;

/// <summary>
/// One process of the host. It uses the key of each tenant again and again, and reports what changes. The demonstration starts it. It ends
/// when its standard input is closed, so it also ends when the demonstration dies.
/// </summary>
internal sealed class Instance(IByokKeyRingProvider rings, IConfiguration configuration) : BackgroundService
{
    /// <summary>The first argument of such a process.</summary>
    public const string Argument = "instance";

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.Logging.ClearProviders().AddSimpleConsole(console => console.SingleLine = true);
        builder.Logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace); // the standard output is for reports
        var clockError = TimeSpan.FromSeconds(builder.Configuration.GetValue<double>("ClockError"));
        builder.Services.AddSingleton<TimeProvider>(new WrongClock(TimeProvider.System, clockError));
        builder.AddFleet().AddAuditSink(new AuditReports());
        builder.Services.AddHostedService<Instance>();
        using var host = builder.Build();
        await host.StartAsync();
        await Task.WhenAny(InvalidateAsync(host.Services.GetRequiredService<IByokKeyRingProvider>()), host.WaitForShutdownAsync());
        await host.StopAsync();
        return 0;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var folder = new TenantFolder(configuration);
        var uses = new List<Use>();
        foreach (var tenant in folder.Tenants)
        {
            uses.Add(new Use(rings, tenant, await folder.GetMessageAsync(tenant, stoppingToken)));
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = stoppingToken };
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(configuration.GetValue<double>("Pause")));
        for (var isFirst = true; isFirst || await timer.WaitForNextTickAsync(stoppingToken); isFirst = false)
        {
            await Parallel.ForEachAsync(uses, parallel, (use, stop) => use.RepeatAsync(stop));
            if (isFirst)
            {
                Write(new(ReportKind.Ready, DateTimeOffset.UtcNow));
            }
        }
    }

    /// <summary>Each line of the standard input is a tenant whose settings have changed.</summary>
    private static async Task InvalidateAsync(IByokKeyRingProvider rings)
    {
        using var input = new StreamReader(Console.OpenStandardInput());
        while (await input.ReadLineAsync() is { } tenant)
        {
            var isPublished = await rings.InvalidateAsync(tenant);
            Write(new(ReportKind.Invalidated, DateTimeOffset.UtcNow, tenant, isPublished.ToString()));
        }
    }

    private static void Write(Report report) => Console.WriteLine(JsonSerializer.Serialize(report));

    /// <summary>Reports each request to AWS.</summary>
    private sealed class AuditReports : IByokAuditSink
    {
        public void Record(ByokAuditRecord record) => Write(new(ReportKind.Asked, DateTimeOffset.UtcNow, record.Tenant!, record.Operation));
    }

    /// <summary>The use of one tenant's key.</summary>
    private sealed class Use(IByokKeyRingProvider rings, string tenant, byte[] message)
    {
        private (ReportKind Kind, string Detail) _reported;
        private DateTimeOffset? _last;

        public async ValueTask RepeatAsync(CancellationToken stop)
        {
            var (kind, detail) = (ReportKind.Refused, "");
            try
            {
                var ring = await rings.GetKeyRingAsync(tenant, stop);
                await ring.DecryptAsync(message, cancellationToken: stop);
                _last = DateTimeOffset.UtcNow; // after the use, so rather too late
                (kind, detail) = (ReportKind.Served, ring.KeyArn.ToString());
            }
            catch (ByokKeyUnavailableException e)
            {
                detail = e.Reason.ToString();
            }
            catch (ByokServiceException e)
            {
                detail = e.Message;
            }

            if (_reported != (kind, detail))
            {
                _reported = (kind, detail);
                Write(new(kind, DateTimeOffset.UtcNow, tenant, detail, _last));
            }
        }
    }
}
