using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>One thing that is measured.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Work">Does it a number of times, on the thread of this number. Null: it was measured elsewhere, or not at all.</param>
internal sealed record Row(string Name, Func<int, int, Task>? Work)
{
    public int Threads { get; init; } = 1;

    /// <summary>Nanoseconds per call of each round, sorted.</summary>
    public double[] Rounds { get; set; } = [];

    public double Median => Rounds.Length == 0 ? double.NaN : Rounds[Rounds.Length / 2];

    public static Row Of(string name, Action work) => Of(name, _ => work());

    public static Row Of(string name, Action<int> work) => new(name, (_, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            work(i);
        }

        return Task.CompletedTask;
    });

    public static Row Of(string name, Func<Task> work) => new(name, async (_, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            await work();
        }
    });

    /// <summary>Nanoseconds per call.</summary>
    public async Task<double> MeasureAsync(int count)
    {
        var start = Stopwatch.GetTimestamp();
        if (Threads == 1)
        {
            await Work!(0, count);
        }
        else
        {
            var threads = Enumerable.Range(0, Threads).Select(number => new Thread(() => Work!(number, count).Wait())).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count / Threads;
    }
}

/// <summary>Rows that are measured in turn, and how they compare.</summary>
internal sealed class Table(IReadOnlyList<Row> rows)
{
    private const int Rounds = 3;

    /// <summary>The slices of a round. The fastest one counts: other processes only make a slice slower.</summary>
    private const int Slices = 25;

    /// <summary>The nanoseconds of a slice, if the row takes less for one call: less than a system gives a thread at a time.</summary>
    private const double Slice = 4_000_000;

    /// <summary>The nanoseconds before anything counts, in which code is compiled again.</summary>
    private const double WarmUp = 300_000_000;

    public static async Task<Table> MeasureAsync(StringBuilder page, string title, params Row[] rows)
    {
        Dictionary<Row, int> counts = [];
        var measured = rows.Where(row => row.Work is not null).ToList();
        foreach (var row in measured)
        {
            var start = Stopwatch.GetTimestamp();
            var fastest = await row.MeasureAsync(10);
            while (Stopwatch.GetElapsedTime(start).TotalNanoseconds < WarmUp)
            {
                fastest = Math.Min(fastest, await row.MeasureAsync((int)Math.Max(1, Slice / fastest / row.Threads)));
            }

            counts[row] = (int)Math.Max(1, Slice / fastest / row.Threads);
        }

        var rounds = measured.ToDictionary(row => row, _ => new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            // In turn, so that what other processes do meanwhile meets all rows alike.
            var fastest = measured.ToDictionary(row => row, _ => double.MaxValue);
            for (var slice = 0; slice < Slices; slice++)
            {
                foreach (var row in measured)
                {
                    fastest[row] = Math.Min(fastest[row], await row.MeasureAsync(counts[row]));
                }
            }

            measured.ForEach(row => rounds[row].Add(fastest[row]));
        }

        measured.ForEach(row => row.Rounds = [.. rounds[row].Order()]);
        Table table = new(rows);
        table.WriteTo(page, title);
        return table;
    }

    /// <summary>How many times as fast one row is as another.</summary>
    public string Faster(int row, int other) => double.IsNaN(rows[other].Median)
        ? "(not measured)"
        : (rows[other].Median / rows[row].Median).ToString("0.00", CultureInfo.InvariantCulture);

    private void WriteTo(StringBuilder page, string title)
    {
        page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {title}").AppendLine();
        page.AppendLine("| | per call | range | per second | speed |").AppendLine("|---|---:|---:|---:|---:|");
        foreach (var row in rows)
        {
            page.AppendLine(row.Rounds.Length == 0
                ? $"| {row.Name} | not measured | | | |"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {row.Name} | {Text(row.Median)} | {Text(row.Rounds[0])} to {Text(row.Rounds[^1])} | {1e9 / row.Median:N0} "
                    + $"| {rows[0].Median / row.Median:0.00} |"));
        }
    }

    private static string Text(double nanoseconds) => nanoseconds < 10_000
        ? string.Create(CultureInfo.InvariantCulture, $"{nanoseconds:N0} ns")
        : string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1000:N0} µs");
}
