namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>A run reads one batch ahead. What it has read and not written is neither lost nor written over other content.</summary>
[CancelAfter(120_000)]
internal sealed class ReencryptionReadAheadTests
{
    private const int Rows = 20;
    private const int Batch = 4;

    private ReencryptionWorld _world = null!;
    private MemorySource _source = null!;
    private TaskCompletionSource _held = null!;
    private int _reads;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ReencryptionWorld.StartAsync();
        _source = await _world.FillAsync(Rows, Under.OldDataKey);
        _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _reads = 0;
        _source.Reading = () =>
        {
            _reads++;
            return Task.CompletedTask;
        };
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task The_second_batch_is_read_before_the_first_is_written_and_no_third([Values(1, 2)] int parallelism)
    {
        var writes = 0;
        List<int> readsTooEarly = [];
        _source.Replacing = async _ =>
        {
            await _held.Task;
            if (_reads > Interlocked.Increment(ref writes) + parallelism)
            {
                readsTooEarly.Add(writes);
            }
        };

        var run = RunAsync(parallelism); // returns when it has nothing more to read
        Assert.That(_reads, Is.EqualTo(parallelism + 1));
        _held.SetResult();
        var last = (await run)[^1];

        Assert.That(readsTooEarly, Is.Empty);
        Assert.That((last.Moved, last.Count!.Remaining), Is.EqualTo((Rows, 0)));
        Assert.That(_source.MostUnderWay, Is.EqualTo((parallelism + 1) * Batch));
    }

    /// <summary>The end of a read is met at many moments of the run that waits for it.</summary>
    [Test]
    [Category("Slow")]
    public async Task A_read_that_ends_at_any_moment_ends_the_wait_for_it()
    {
        var source = await _world.FillAsync(1, Under.Nothing);
        source.Reading = static async () => await Task.Yield();
        var (from, to) = (ReencryptionKey.None, _world.Key(Under.NewRing));

        for (var run = 0; run < 20_000; run++)
        {
            var seen = await _world.RunAsync(source, from, to, Degree(1)).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.That(seen[^1].Count!.Remaining, Is.Zero);
        }
    }

    [Test]
    public async Task A_read_that_fails_is_reported_after_the_batches_before_it_were_written([Values(1, 2)] int parallelism)
    {
        _source.Reading = () => ++_reads == 2 ? throw new IOException("the database is away") : Task.CompletedTask;
        var keys = _world.Key(Under.OldDataKey);
        var opening = ReencryptionKey.DataKeys(async stop =>
        {
            await _held.Task.WaitAsync(stop); // the first batch is under way when the second one cannot be read
            return await keys.OpenAsync!(stop);
        });
        List<ReencryptionProgress> seen = [];

        var run = Assert.ThrowsAsync<IOException>(
            () => _world.RunAsync(_source, opening, _world.Key(Under.NewDataKey), Degree(parallelism), seen.Add));
        Assert.That((_reads, run.IsCompleted), Is.EqualTo((2, false)));
        _held.SetResult();
        var error = await run;

        Assert.That(error!.Message, Is.EqualTo("the database is away"));
        Assert.That((seen[^1].Checkpoint, seen[^1].Moved, _source.Writes), Is.EqualTo(($"{Batch}", Batch, Batch)));
        var last = (await RunAsync(parallelism, seen[^1].Checkpoint))[^1];
        Assert.That((last.Moved, last.Count!.Remaining), Is.EqualTo((Rows - Batch, 0)));
    }

    [Test]
    public async Task A_run_that_is_left_waits_for_the_read_and_resumes_with_what_was_read_ahead()
    {
        _source.Reading = () => ++_reads == 2 ? _held.Task : Task.CompletedTask;
        var options = new ReencryptionOptions { BatchSize = Batch, MaxDegreeOfParallelism = 1, TimeProvider = _world.World.Clock };
        var run = ByokReencryption.RunAsync(_source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey), options)
            .GetAsyncEnumerator();
        Assert.That(await run.MoveNextAsync(), Is.True);
        var checkpoint = run.Current.Checkpoint;

        var end = run.DisposeAsync().AsTask();
        Assert.That(end.IsCompleted, Is.False, "the source is in use");
        _held.SetResult();
        await end;

        Assert.That((checkpoint, _source.Writes), Is.EqualTo(($"{Batch}", Batch)));
        var last = (await RunAsync(parallelism: 1, checkpoint))[^1];
        Assert.That((last.Moved, last.Count!.Remaining), Is.EqualTo((Rows - Batch, 0)));
        await _world.DemandAllTextsAsync(_source);
    }

    [Test]
    public async Task A_write_by_others_after_the_read_ahead_is_kept()
    {
        _source.Replacing = _ => _held.Task;
        var run = RunAsync(parallelism: 1);
        Assert.That(_reads, Is.EqualTo(2));

        await _world.WriteAsync(_source, Batch + 1, Under.OldDataKey, "written meanwhile");
        _held.SetResult();
        var last = (await run)[^1];

        Assert.That((last.Moved, last.Conflicts, last.Count!.Remaining), Is.EqualTo((Rows - 1, 1, 1)));
        await _world.DemandAllTextsAsync(_source, id => id == Batch + 1 ? "written meanwhile" : ReencryptionWorld.Text(id));
    }

    [Test]
    public async Task A_batch_that_fails_ends_the_run_and_the_read_ahead_with_it()
    {
        _source.Reading = () => ++_reads == 2 ? _held.Task : Task.CompletedTask;
        _source.Replacing = _ => throw new IOException("the database is away");

        var run = Assert.ThrowsAsync<IOException>(() => RunAsync(parallelism: 1));
        _held.SetResult();

        Assert.That((await run)!.Message, Is.EqualTo("the database is away"));
        Assert.That((_reads, _source.Writes), Is.EqualTo((2, 0)));
    }

    private Task<List<ReencryptionProgress>> RunAsync(int parallelism, string? checkpoint = null) => _world.RunAsync(
        _source,
        _world.Key(Under.OldDataKey),
        _world.Key(Under.NewDataKey),
        options =>
        {
            Degree(parallelism)(options);
            options.Checkpoint = checkpoint;
        });

    private static Action<ReencryptionOptions> Degree(int parallelism) => options =>
        (options.BatchSize, options.MaxDegreeOfParallelism) = (Batch, parallelism);
}
