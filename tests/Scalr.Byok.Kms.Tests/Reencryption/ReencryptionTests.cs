using System.Globalization;
using System.Runtime.InteropServices;
using Moq;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>Items move to another key: from each form to each other, at what cost, and what is left where it is.</summary>
[CancelAfter(120_000)]
internal sealed class ReencryptionTests
{
    private ReencryptionWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ReencryptionWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    public static IEnumerable<TestCaseData> Pairs() =>
        from source in (Under[])[Under.Nothing, Under.OldRing, Under.OldDataKey]
        from target in (Under[])[Under.Nothing, Under.NewRing, Under.NewDataKey]
        where source != target
        select new TestCaseData(source, target);

    [TestCaseSource(nameof(Pairs))]
    public async Task Items_of_each_form_move_to_each_other(Under from, Under to)
    {
        var source = await _world.FillAsync(21, from);
        foreach (var id in (int[])[1, 7, 21])
        {
            await _world.WriteAsync(source, id, to, ReencryptionWorld.Text(id)); // an earlier run has moved some
        }

        var all = await _world.RunAsync(source, _world.Key(from), _world.Key(to));

        var last = all[^1];
        Assert.That(
            (last.Seen, last.Moved, last.AlreadyCurrent, last.Conflicts, last.Quarantined, last.Checkpoint),
            Is.EqualTo((21, 18, 3, 0, 0, "21")));
        Assert.That((last.Count!.Total, last.Count.Current, last.Count.Remaining), Is.EqualTo((21, 21, 0)));
        Assert.That(source.Forms, Is.All.EqualTo(_world.Key(to).Form));
        await _world.DemandAllTextsAsync(source);
        Assert.That(all.SkipLast(1).Select(progress => progress.Count), Is.All.Null);
    }

    [TestCaseSource(nameof(Pairs))]
    public async Task A_second_run_finds_everything_current(Under from, Under to)
    {
        var source = await _world.FillAsync(6, from);
        await _world.RunAsync(source, _world.Key(from), _world.Key(to));
        var writes = source.Writes;

        var last = (await _world.RunAsync(source, _world.Key(from), _world.Key(to)))[^1];

        Assert.That((last.Moved, last.AlreadyCurrent, source.Writes), Is.EqualTo((0, 6, writes)));
    }

    [Test]
    public async Task One_ring_moves_messages_from_its_previous_key_and_plaintext_that_is_left()
    {
        var source = await _world.FillAsync(10, Under.OldRing);
        await _world.WriteAsync(source, 3, Under.Nothing, ReencryptionWorld.Text(3));
        var ring = _world.Key(Under.NewRing);

        var last = (await _world.RunAsync(source, ring, ring))[^1];

        Assert.That((last.Moved, last.Count!.Remaining, last.Count.Under(_world.New.KeyArn)), Is.EqualTo((10, 0, 10)));
        await _world.DemandAllTextsAsync(source);
        _world.OldKey.Disable();
        _world.World.Time.Advance(TimeSpan.FromMinutes(10));
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task A_message_keeps_all_its_pairs()
    {
        var source = await _world.FillAsync(1, Under.OldRing);
        Dictionary<string, string> more = new(ReencryptionWorld.SharedContext) { ["more"] = "pairs" };
        source[1] = (ReencryptionForm.Message, await _world.Old.EncryptTextAsync(ReencryptionWorld.Text(1), more));

        await _world.RunAsync(source, _world.Key(Under.OldRing), _world.Key(Under.NewRing));

        Assert.That(ByokMessage.Read(source[1].Bytes).EncryptionContext, Is.EquivalentTo(more));
        Assert.That(await _world.New.DecryptTextAsync(source[1].Bytes, more), Is.EqualTo(ReencryptionWorld.Text(1)));
    }

    [Test]
    public async Task Values_of_a_thousand_rows_cost_the_opening_of_both_data_keys()
    {
        var source = await _world.FillAsync(1000, Under.OldDataKey);
        _world.Restart();

        var last = (await _world.RunAsync(
            source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey), options => options.BatchSize = 100))[^1];

        Assert.That((last.Moved, Calls("Encrypt"), Calls("Decrypt")), Is.EqualTo((1000, 0, 2)));
    }

    [TestCase(true, 1, 2)]
    [TestCase(false, 1, 1)]
    public async Task Messages_of_one_context_cost_one_call_for_each_data_key(bool verify, int encryptCalls, int decryptCalls)
    {
        var source = await _world.FillAsync(40, Under.OldRing);
        _world.Restart();

        await _world.RunAsync(source, _world.Key(Under.OldRing), _world.Key(Under.NewRing), options => options.Verify = verify);

        Assert.That((Calls("Encrypt"), Calls("Decrypt")), Is.EqualTo((encryptCalls, decryptCalls)));
    }

    [TestCase(true, 10, 20)]
    [TestCase(false, 10, 10)]
    public async Task Messages_whose_contexts_differ_cost_two_calls_each_and_one_more_to_verify(
        bool verify, int encryptCalls, int decryptCalls)
    {
        var source = await _world.FillAsync(10, Under.OldRing, ownContexts: true);

        await _world.RunAsync(source, _world.Key(Under.OldRing), _world.Key(Under.NewRing), options => options.Verify = verify);

        Assert.That((Calls("Encrypt"), Calls("Decrypt")), Is.EqualTo((encryptCalls, decryptCalls)));
    }

    [Test]
    public async Task A_count_names_the_key_of_each_item_and_calls_AWS_never()
    {
        var source = await _world.FillAsync(9, Under.OldRing);
        await _world.WriteAsync(source, 1, Under.NewRing, "new");
        await _world.WriteAsync(source, 2, Under.NewRing, "new");
        await _world.WriteAsync(source, 3, Under.Nothing, "plaintext");
        await _world.WriteAsync(source, 4, Under.OldDataKey, "value");
        source[5] = (ReencryptionForm.Message, [1, 2, 3]);
        source[6] = (ReencryptionForm.Value, [1, 2, 3]);
        _world.World.Aws.Log.Clear();

        var count = await ByokReencryption.CountAsync(source, _world.Key(Under.NewRing));

        Assert.That(_world.World.Aws.Log.Requests, Is.Empty);
        Assert.That((count.Total, count.Current, count.Remaining), Is.EqualTo((9, 2, 7)));
        var (old, current) = (KmsKeyArn.Parse(_world.OldKey.Arn), _world.New.KeyArn);
        Assert.That((count.Under(old), count.Under(current)), Is.EqualTo((3, 2)));
        Assert.That(count.Under(current.InRegion("us-east-2")), Is.EqualTo(2), "a replica is the same key");
        Assert.That((count.ByKey[ReencryptionCount.Plaintext], count.ByKey[ReencryptionCount.Unreadable]), Is.EqualTo((1, 2)));
        Assert.That(count.ByKey.Keys.Single(key => key.StartsWith("data key ", StringComparison.Ordinal)), Has.Length.EqualTo(23));
        Assert.That(count.Describe(old), Is.EqualTo($"3 of 9 items under key {old}"));
        Assert.That(count.ToString(), Does.StartWith($"7 of 9 items are not under key {current}; 3 under {old}; 2 under "));
    }

    [Test]
    public async Task A_count_of_values_is_by_the_primary_data_key()
    {
        var source = await _world.FillAsync(5, Under.OldDataKey);
        await _world.WriteAsync(source, 5, Under.NewDataKey, "new");
        using var keys = new ByokDataKeySet(await _world.New.CreateDataKeyAsync());
        _world.World.Aws.Log.Clear();

        var ofOthers = await ByokReencryption.CountAsync(source, ReencryptionKey.DataKeys(keys));
        var ofNone = await ByokReencryption.CountAsync(source, ReencryptionKey.None);

        Assert.That(_world.World.Aws.Log.Requests, Is.Empty);
        Assert.That((ofOthers.Total, ofOthers.Remaining, ofNone.Remaining), Is.EqualTo((5, 5, 5)));
        Assert.That((await ByokReencryption.CountAsync(source, _world.Key(Under.NewDataKey))).Remaining, Is.EqualTo(4));
        Assert.That(ofNone.ToString(), Does.StartWith("5 of 5 items are not plaintext; 4 under data key "));
        Assert.That((await ByokReencryption.CountAsync(new MemorySource(), _world.Key(Under.NewRing))).Total, Is.Zero);
    }

    [Test]
    public async Task Forged_headers_cannot_make_a_count_grow_without_bound()
    {
        var source = new MemorySource();
        for (var id = 0; id < 1100; id++)
        {
            var value = new byte[ByokDataKey.Overhead];
            BitConverter.TryWriteBytes(value.AsSpan(1), id);
            source[id] = (ReencryptionForm.Value, value);
        }

        var count = await ByokReencryption.CountAsync(source, ReencryptionKey.None);

        Assert.That((count.ByKey.Count, count.ByKey[ReencryptionCount.Other], count.Total), Is.EqualTo((1001, 100, 1100)));
    }

    [Test]
    public async Task A_dry_run_writes_nothing_and_finds_what_cannot_be_moved()
    {
        var source = await _world.FillAsync(12, Under.OldDataKey);
        Damage(source, 5);
        var before = source.Ids.Select(id => source[id].Bytes).ToList();

        var all = await _world.RunAsync(
            source, _world.Key(Under.OldDataKey), _world.Key(Under.NewRing), options => options.DryRun = true);

        Assert.That((source.Writes, all[^1].Moved, all[^1].Quarantined, all[^1].Count!.Remaining), Is.EqualTo((0, 11, 1, 12)));
        Assert.That(source.Ids.Select(id => source[id].Bytes), Is.EqualTo(before));
    }

    public static IEnumerable<TestCaseData> EncryptedPairs() => Pairs().Where(pair => pair.Arguments[0] is not Under.Nothing);

    [TestCaseSource(nameof(EncryptedPairs))]
    public async Task Damaged_items_are_listed_and_all_others_are_moved(Under from, Under to)
    {
        var source = await _world.FillAsync(300, from);
        foreach (var id in (int[])[17, 150, 299])
        {
            Damage(source, id);
        }

        var all = await _world.RunAsync(source, _world.Key(from), _world.Key(to), options => options.BatchSize = 25);

        Assert.That((all[^1].Moved, all[^1].Quarantined, all[^1].Count!.Remaining), Is.EqualTo((297, 3, 3)));
        Assert.That(
            all.SelectMany(progress => progress.NewlyQuarantined).OrderBy(item => int.Parse(item.Key, CultureInfo.InvariantCulture)),
            Is.EqualTo((QuarantinedItem[])
            [
                new("17", ReencryptionQuarantineReason.NotAuthentic),
                new("150", ReencryptionQuarantineReason.NotAuthentic),
                new("299", ReencryptionQuarantineReason.NotAuthentic),
            ]));
        Assert.That(source[17].Form, Is.EqualTo(_world.Key(from).Form), "left as it is");
    }

    [Test]
    public async Task An_item_is_what_the_source_states_and_not_what_it_looks_like()
    {
        var source = await _world.FillAsync(3, Under.Nothing);
        var message = await _world.New.EncryptTextAsync("another customer's", ReencryptionWorld.SharedContext);
        source[2] = (ReencryptionForm.Plaintext, message);

        var last = (await _world.RunAsync(source, ReencryptionKey.None, _world.Key(Under.NewRing)))[^1];

        Assert.That((last.Moved, last.AlreadyCurrent), Is.EqualTo((3, 0)));
        Assert.That(await _world.New.DecryptAsync(source[2].Bytes, source.Context(2)), Is.EqualTo(message));
    }

    [Test]
    public async Task What_no_key_fits_what_is_a_data_key_and_what_is_too_long_is_quarantined()
    {
        var source = await _world.FillAsync(4, Under.OldDataKey);
        using (var key = await _world.Old.CreateDataKeyAsync())
        {
            source[2] = (ReencryptionForm.Message, key.EncryptedKey.ToArray());
        }

        await _world.WriteAsync(source, 3, Under.Nothing, ReencryptionWorld.Text(3));
        source[4] = (ReencryptionForm.Plaintext, new byte[100]);
        source.Context = id => id == 4 ? new Dictionary<string, string> { ["aws-crypto-reserved"] = "x" } : ReencryptionWorld.SharedContext;

        var all = await _world.RunAsync(source, _world.Key(Under.OldRing), _world.Key(Under.NewRing), options => options.BatchSize = 10);

        Assert.That(all.SelectMany(progress => progress.NewlyQuarantined), Is.EqualTo((QuarantinedItem[])
        [
            new("1", ReencryptionQuarantineReason.NoKey),
            new("2", ReencryptionQuarantineReason.EncryptedDataKey),
            new("4", ReencryptionQuarantineReason.NotEncryptable),
        ]));
        Assert.That(all[^1].Moved, Is.EqualTo(1));
    }

    [Test]
    public async Task A_value_of_another_row_is_not_authentic()
    {
        var source = await _world.FillAsync(2, Under.OldDataKey);
        source[2] = source[1];

        var all = await _world.RunAsync(source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey));

        Assert.That(
            all.SelectMany(progress => progress.NewlyQuarantined),
            Is.EqualTo((QuarantinedItem[])[new("2", ReencryptionQuarantineReason.NotAuthentic)]));
    }

    [Test]
    public async Task A_run_can_stop_at_the_first_damaged_item_and_go_on_after_it_is_repaired()
    {
        var source = await _world.FillAsync(20, Under.OldDataKey);
        var (from, to) = (_world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey));
        var whole = source[11];
        Damage(source, 11);
        List<ReencryptionProgress> seen = [];

        var error = await Assert.ThrowsAsync<ByokDecryptionException>(
            () => _world.RunAsync(source, from, to, options => options.StopOnFailure = true, seen.Add));
        source[11] = whole;
        var checkpoint = seen.Count == 0 ? null : seen[^1].Checkpoint;
        var last = (await _world.RunAsync(source, from, to, options => options.Checkpoint = checkpoint))[^1];

        Assert.That(error!.Message, Is.EqualTo("The item 11 could not be re-encrypted: NotAuthentic. It was left as it is."));
        Assert.That(last.Count!.Remaining, Is.Zero);
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task A_new_content_that_does_not_open_is_not_written()
    {
        var source = await _world.FillAsync(6, Under.OldDataKey);
        var damaging = new Mock<IByokKeyRing>(); // as if memory were damaged
        damaging.Setup(ring => ring.EncryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), source.Context(1), It.IsAny<CancellationToken>()))
            .ReturnsAsync(new byte[100]);
        damaging.Setup(ring => ring.DecryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), source.Context(1), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new ByokDecryptionException());
        var (from, to) = (_world.Key(Under.OldDataKey), ReencryptionKey.Ring(damaging.Object));

        var last = (await _world.RunAsync(source, from, to))[^1];
        var writes = source.Writes;
        await _world.RunAsync(source, from, to, options => options.Verify = false);

        Assert.That((last.Quarantined, last.Moved, writes), Is.EqualTo((6, 0, 0)));
        Assert.That(source.Writes, Is.EqualTo(6), "without verification it is written");
    }

    [Test]
    public async Task Plaintext_that_was_written_is_erased()
    {
        var source = await _world.FillAsync(8, Under.OldDataKey);
        List<ArraySegment<byte>> written = [];
        source.Replacing = replacements =>
        {
            foreach (var replacement in replacements)
            {
                Assert.That(MemoryMarshal.TryGetArray(replacement.Bytes, out var bytes), Is.True);
                Assert.That(bytes, Is.Not.All.Zero);
                lock (written)
                {
                    written.Add(bytes);
                }
            }

            return Task.CompletedTask;
        };

        await _world.RunAsync(source, _world.Key(Under.OldDataKey), ReencryptionKey.None);

        Assert.That(written, Has.Count.EqualTo(8));
        Assert.That(written.SelectMany(bytes => bytes), Is.All.Zero);
    }

    [Test]
    public async Task Memory_is_bounded_by_batches_and_parallelism()
    {
        var source = await _world.FillAsync(400, Under.OldDataKey);

        await _world.RunAsync(source, _world.Key(Under.OldDataKey), _world.Key(Under.NewDataKey), options =>
        {
            options.BatchSize = 10;
            options.MaxDegreeOfParallelism = 3;
        });

        Assert.That(source.MostUnderWay, Is.InRange(10, 40), "three batches, and one that is read ahead");
    }

    [Test]
    public async Task Progress_contains_no_content()
    {
        var source = await _world.FillAsync(8, Under.OldRing);
        Damage(source, 3);

        var all = await _world.RunAsync(source, _world.Key(Under.OldRing), _world.Key(Under.NewDataKey));

        var texts = all.SelectMany(progress => progress.NewlyQuarantined.Select(item => item.ToString()).Append($"{progress}")).ToList();
        Assert.That(texts, Has.Some.Contain("NotAuthentic").And.Some.Contains("1 quarantined"));
        Assert.That(texts, Has.None.Contains("plaintext of row"));
    }

    private static void Damage(MemorySource source, int id)
    {
        var (form, bytes) = source[id];
        bytes = [.. bytes];
        bytes[^1] ^= 1;
        source[id] = (form, bytes);
    }

    private int Calls(string operation) => _world.World.Aws.Log.Count(operation);
}
