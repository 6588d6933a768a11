using Columns;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quartz;
using Scalr.Byok.Kms;

namespace Reencryption.Demo;

/// <summary>A process of the host that runs moves. The demonstration starts and kills it.</summary>
internal static class Runner
{
    /// <summary>The first argument of such a process.</summary>
    public const string Argument = "runner";

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        var database = builder.Configuration["Database"]!;
        var options = builder.Configuration.GetSection("Moves").Get<MoveOptions>() ?? new MoveOptions();
        var protection = DataProtectionProvider.Create(new DirectoryInfo(builder.Configuration["Keys"]!));
        builder.Services.AddScalrByok(builder.Configuration.GetSection("Byok"))
            .AddColumns(Database.OptionsOf<HostContext>(database), protection);
        builder.Services.AddMoves(Database.OptionsOf<MoveContext>(database), options);
        if (builder.Configuration.GetValue<long?>("WaitAfterValues") is { } values)
        {
            builder.Services.AddSingleton<MoveStore>(new WaitingMoveStore(Database.OptionsOf<MoveContext>(database), values));
        }

        var isQuartz = builder.Configuration["Way"] == nameof(Way.Quartz);
        if (isQuartz)
        {
            builder.Services.AddQuartzMoves(database, options);
        }
        else
        {
            builder.Services.AddHostedService<HostedMoves>();
        }

        using var host = builder.Build();
        await host.StartAsync();
        if (isQuartz)
        {
            var scheduler = await host.Services.GetRequiredService<ISchedulerFactory>().GetScheduler();
            foreach (var move in await host.Services.GetRequiredService<MoveStore>().ListOpenAsync())
            {
                await QuartzMoves.ScheduleAsync(scheduler, move, options);
            }
        }

        await Console.In.ReadToEndAsync(); // ends when the demonstration closes it, or dies
        await host.StopAsync();
        return 0;
    }
}
