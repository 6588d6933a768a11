using System.Globalization;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>Runs that are stopped, killed and repeated, beside writers, readers and other runs: nothing is lost or damaged.</summary>
[CancelAfter(120_000)]
internal sealed class ReencryptionStopTests
{
    private const int Rows = 40;

    private ReencryptionWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ReencryptionWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    /// <summary>Runs end at any call of the source, also in the middle of a write, and resume from the last checkpoint.</summary>
    [Test]
    public async Task A_run_that_is_killed_at_any_moment_is_resumed_from_its_checkpoint([Range(1, 12)] int seed)
    {
        var dice = new Random(seed);
        var (from, to) = (Under.OldDataKey, seed % 2 == 0 ? Under.NewRing : Under.NewDataKey);
        var source = await _world.FillAsync(Rows, from);
        string? checkpoint = null;
        ReencryptionProgress? last = null;
        var stops = 0;
        while (last?.Count is null)
        {
            using var stop = new CancellationTokenSource();
            var callsLeft = stops < 5 ? dice.Next(1, 9) : int.MaxValue;
            source.Reading = () => CountCallAsync();
            source.Replacing = async replacements =>
            {
                if (Interlocked.Decrement(ref callsLeft) == 0)
                {
                    source.Apply(replacements.Take(replacements.Count / 2)); // a store without transactions
                    await StopAsync();
                }
            };
            try
            {
                await _world.RunAsync(
                    source, _world.Key(from), _world.Key(to), options => options.Checkpoint = checkpoint, progress =>
                    {
                        checkpoint = progress.Checkpoint;
                        last = progress;
                    },
                    stop.Token);
            }
            catch (OperationCanceledException)
            {
                stops++;
            }

            await _world.DemandAllTextsAsync(source);
            if (to == Under.NewRing && checkpoint is not null)
            {
                var done = int.Parse(checkpoint, CultureInfo.InvariantCulture);
                Assert.That(source.Ids.Where(id => id <= done).Select(id => source[id].Form), Is.All.EqualTo(ReencryptionForm.Message));
            }

            Task CountCallAsync() => Interlocked.Decrement(ref callsLeft) == 0 ? StopAsync() : Task.CompletedTask;

            async Task StopAsync()
            {
                await stop.CancelAsync();
                stop.Token.ThrowIfCancellationRequested();
            }
        }

        Assert.That((stops, last.Count.Remaining, last.Checkpoint), Is.EqualTo((5, 0, $"{Rows}")));
    }

    [Test]
    public async Task A_checkpoint_waits_for_the_slowest_batch()
    {
        var source = await _world.FillAsync(20, Under.OldDataKey);
        var first = new TaskCompletionSource();
        source.Replacing = replacements => replacements[0].Old.Id == 1 ? first.Task : Task.CompletedTask;
        List<(long Seen, string? Checkpoint)> reported = [];

        await _world.RunAsync(source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey), onProgress: progress =>
        {
            reported.Add((progress.Seen, progress.Checkpoint));
            if (progress.Seen == 16)
            {
                first.TrySetResult();
            }
        });

        Assert.That(reported.Where(one => one.Seen <= 16).Select(one => one.Checkpoint), Is.Not.Empty.And.All.Null);
        Assert.That(reported[^1], Is.EqualTo((20, "20")));
    }

    [Test]
    public async Task A_concurrent_write_is_kept_and_left_for_the_next_run([Values(Under.NewRing, Under.NewDataKey)] Under to)
    {
        var source = await _world.FillAsync(12, Under.OldDataKey);
        source.Replacing = replacements => _world.WriteAsync(source, replacements[0].Old.Id, Under.OldDataKey, "written meanwhile");
        var (from, target) = (_world.Key(Under.OldDataKey), _world.Key(to));

        var first = (await _world.RunAsync(source, from, target))[^1];
        source.Replacing = _ => Task.CompletedTask;
        var second = (await _world.RunAsync(source, from, target))[^1];

        Assert.That((first.Moved, first.Conflicts, first.Count!.Remaining), Is.EqualTo((9, 3, 3)));
        Assert.That((second.Moved, second.AlreadyCurrent, second.Count!.Remaining), Is.EqualTo((3, 9, 0)));
        await _world.DemandAllTextsAsync(source, id => id % 4 == 1 ? "written meanwhile" : ReencryptionWorld.Text(id));
    }

    [Test]
    public async Task Writers_lose_no_update_and_a_reader_reads_every_row_at_every_moment(
        [Values(Under.NewRing, Under.NewDataKey)] Under to)
    {
        const int Writers = 4;
        var source = await _world.FillAsync(200, Under.OldDataKey);
        var written = source.Ids.ToDictionary(id => id, ReencryptionWorld.Text);
        var writers = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var dice = new Random(writer);
            for (var version = 1; version <= 300; version++)
            {
                var id = (dice.Next(200 / Writers) * Writers) + writer + 1; // each row has one writer
                var text = $"version {version} of row {id}";
                await _world.WriteAsync(source, id, version % 2 == 0 ? to : Under.OldDataKey, text);
                lock (written)
                {
                    written[id] = text;
                }

                await Task.Yield();
            }
        })));
        var reader = Task.Run(async () =>
        {
            for (var read = 0; read < 2000; read++)
            {
                var id = (read % 200) + 1;
                Assert.That(await _world.ReadAsync(source, id), Does.EndWith($" row {id}"));
                await Task.Yield();
            }
        });

        var (runs, conflicts) = (0, 0L);
        do
        {
            conflicts += (await _world.RunAsync(
                source,
                _world.Key(Under.OldDataKey),
                _world.Key(to),
                onProgress: progress => Assert.That((progress.Pause?.Cause.Message, progress.Quarantined), Is.EqualTo(((string?)null, 0)))))
                [^1].Conflicts;
            runs++;
        }
        while (!writers.IsCompleted || !reader.IsCompleted);

        await writers;
        await reader;
        var last = (await _world.RunAsync(source, _world.Key(Under.OldDataKey), _world.Key(to)))[^1];

        Assert.That(last.Count!.Remaining, Is.Zero, $"after {runs} runs with {conflicts} conflicts");
        await _world.DemandAllTextsAsync(source, id => written[id]);
    }

    [Test]
    public async Task Two_runs_at_once_do_no_harm()
    {
        var source = await _world.FillAsync(100, Under.OldDataKey);
        var both = new TaskCompletionSource();
        var readers = 0;
        source.Reading = () =>
        {
            if (Interlocked.Increment(ref readers) == 2)
            {
                both.SetResult();
            }

            return both.Task;
        };

        var runs = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(
            () => _world.RunAsync(source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey)))));

        var ends = runs.Select(run => run[^1]).ToList();
        Assert.That(ends.Sum(end => end.Moved), Is.EqualTo(100));
        Assert.That(ends.Select(end => end.Moved + end.Conflicts + end.AlreadyCurrent), Is.All.EqualTo(100));
        Assert.That(ends.Select(end => end.Quarantined), Is.All.Zero);
        Assert.That((await ByokReencryption.CountAsync(source, _world.Key(Under.NewDataKey))).Remaining, Is.Zero);
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task A_loop_that_is_left_stops_the_run()
    {
        var source = await _world.FillAsync(Rows, Under.OldDataKey);

        await foreach (var progress in ByokReencryption.RunAsync(
            source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey), new() { BatchSize = 1, MaxDegreeOfParallelism = 2 }))
        {
            Assert.That(progress.Count, Is.Null);
            break;
        }

        var writes = source.Writes;
        Assert.That(writes, Is.InRange(1, Rows - 1));
        await _world.DemandAllTextsAsync(source);
        Assert.That(source.Writes, Is.EqualTo(writes), "nothing goes on in the background");
    }

    [Test]
    public async Task An_exception_of_the_source_ends_the_run_after_a_last_progress()
    {
        var source = await _world.FillAsync(Rows, Under.OldDataKey);
        source.Replacing = replacements =>
            replacements[0].Old.Id > 20 ? throw new IOException("the database is away") : Task.CompletedTask;
        List<ReencryptionProgress> seen = [];

        var error = await Assert.ThrowsAsync<IOException>(() => _world.RunAsync(
            source,
            _world.Key(Under.OldDataKey),
            _world.Key(Under.NewDataKey),
            options => options.MaxDegreeOfParallelism = 1,
            seen.Add));

        Assert.That(error!.Message, Is.EqualTo("the database is away"));
        Assert.That((seen[^1].Checkpoint, seen[^1].Moved), Is.EqualTo(("20", 20)));
        await _world.DemandAllTextsAsync(source);
    }
}
