namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>Mistakes of callers and sources end a run at once, with a text that says how to correct them.</summary>
[CancelAfter(120_000)]
internal sealed class ReencryptionContractTests
{
    private ReencryptionWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ReencryptionWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Later_changes_of_the_options_do_not_affect_a_run()
    {
        var source = await _world.FillAsync(4, Under.Nothing);
        var options = new ReencryptionOptions { DryRun = true };
        var run = ByokReencryption.RunAsync(source, ReencryptionKey.None, _world.Key(Under.NewRing), options);
        options.DryRun = false;

        await foreach (var _ in run)
        {
        }

        Assert.That(source.Writes, Is.Zero);
    }

    [Test]
    public async Task A_source_that_states_no_form_ends_the_run()
    {
        var source = await _world.FillAsync(4, Under.Nothing);
        source[3] = (ReencryptionForm.Unknown, source[3].Bytes);

        await FailsAsync(source, "The source did not state the form of the item 3.");
    }

    [Test]
    public async Task A_source_that_states_no_place_ends_the_run_where_a_data_key_is_used()
    {
        var source = new BrokenSource { Place = default };

        var error = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var _ in ByokReencryption.RunAsync(source, ReencryptionKey.None, _world.Key(Under.NewDataKey)))
            {
            }
        });

        Assert.That(error!.Message, Does.StartWith("The source did not set Place of an item"));
    }

    [TestCase(2, 1, "The source returned 2 items where at most 1 were requested.")]
    [TestCase(1, 1, "The source returned an item again after which it was to read on.")]
    public async Task A_source_that_returns_wrong_pages_ends_the_run(int items, int batchSize, string message)
    {
        var source = new BrokenSource { Items = items, Repeats = true };

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ByokReencryption.CountAsync(source, ReencryptionKey.None, new() { BatchSize = batchSize }));

        Assert.That(error!.Message, Is.EqualTo(message));
    }

    [Test]
    public async Task A_source_that_replaces_more_than_it_was_given_ends_the_run()
    {
        var source = new BrokenSource { Replaced = 2 };

        var error = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var _ in ByokReencryption.RunAsync(source, ReencryptionKey.None, _world.Key(Under.NewRing)))
            {
            }
        });

        Assert.That(error!.Message, Is.EqualTo("The source returned 2 from ReplaceAsync for 1 items."));
    }

    private async Task FailsAsync(MemorySource source, string message) =>
        Assert.That(
            (await Assert.ThrowsAsync<InvalidOperationException>(
                () => _world.RunAsync(source, ReencryptionKey.None, _world.Key(Under.NewRing))))!.Message,
            Is.EqualTo(message));

    private sealed class BrokenSource : IReencryptionSource<int>
    {
        public ByokAssociatedData Place { get; init; } = ByokAssociatedData.None;

        public int Items { get; init; } = 1;

        public bool Repeats { get; init; }

        public int Replaced { get; init; } = 1;

        public ValueTask<IReadOnlyList<ReencryptionItem<int>>> ReadPageAsync(
            ReencryptionPage page, CancellationToken cancellationToken) =>
            new(page.After is not null && !Repeats ? [] : [.. Enumerable.Range(0, Items).Select(_ => new ReencryptionItem<int>
            {
                Id = 1,
                Key = "1",
                Form = ReencryptionForm.Plaintext,
                Bytes = new byte[5],
                Place = Place,
            })]);

        public ValueTask<int> ReplaceAsync(
            IReadOnlyList<ReencryptionReplacement<int>> replacements, CancellationToken cancellationToken) => new(Replaced);
    }
}
