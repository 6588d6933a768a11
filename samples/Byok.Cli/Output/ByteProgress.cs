using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>A progress bar in bytes, with rate and remaining time. Shown at a terminal only.</summary>
internal sealed class ByteProgress(Terminal terminal)
{
    /// <summary>Columns that the rate needs besides the rest.</summary>
    private const int WideEnough = 90;

    /// <param name="title">The title.</param>
    /// <param name="total">The total number of bytes; null if it is not known.</param>
    /// <param name="workAsync">The work, which reports bytes as they are done, from any thread.</param>
    public Task RunAsync(string title, long? total, Func<Action<long>, Task> workAsync)
    {
        if (!terminal.ErrorIsTerminal)
        {
            return workAsync(_ => { });
        }

        var progress = terminal.Error.Progress().AutoClear(true).Columns(Columns());
        return progress.StartAsync(async context =>
        {
            var task = context.AddTask(Shown.Markup(title), maxValue: Math.Max(total ?? 0, 1));
            task.IsIndeterminate = total is null;
            await workAsync(bytes => task.Increment(bytes));
        });
    }

    private ProgressColumn[] Columns()
    {
        List<ProgressColumn> columns =
            [new TaskDescriptionColumn(), new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new RemainingTimeColumn()];
        if (terminal.Error.Profile.Width >= WideEnough)
        {
            columns.Insert(3, new DownloadedColumn { Base = FileSizeBase.Decimal });
            columns.Insert(4, new TransferSpeedColumn { Base = FileSizeBase.Decimal });
        }

        return [.. columns];
    }
}
