using Columns;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>The source of a column, and what it costs in AWS calls to move many values to another data key.</summary>
[Category("Slow")]
[CancelAfter(120_000)]
internal sealed class ColumnsReencryptionTests
{
    /// <summary>
    /// The new data key costs a kms:Encrypt and a confirmation when it is created. Then each of the two data keys is opened once. The clock
    /// stands still, so no other confirmation is due.
    /// </summary>
    [Test]
    public async Task Any_number_of_values_costs_one_Encrypt_one_Decrypt_for_each_data_key_and_one_confirmation(
        [Values(10, 2_000)] int rows, [Values(ColumnsWorld.Sqlite, ColumnsWorld.Postgres)] string kind)
    {
        await using var world = await ColumnsWorld.StartAsync(kind);
        await world.WriteAsync("acme", rows);
        var old = world.Acme.ChangeKey();
        await world.ChangeSettingsAsync("acme", world.Acme.Settings(old));
        var host = world.CreateHost(); // a process without data keys in its memory
        var change = host.GetRequiredService<DataKeyChange>();
        world.Byok.Aws.Log.Clear();

        await change.AddAsync("acme");
        var moved = await change.MoveAsync("acme");

        Assert.That(moved, Is.EqualTo(2 * rows));
        Assert.That(await change.CountOldAsync("acme"), Is.Zero);
        var calls = world.Byok.Aws.Log.Requests.Select(request => (request.Operation, request.Key)).ToList();
        var (newKey, oldKey) = (world.Acme.Key.Arn, old.Arn);
        Assert.That(
            calls,
            Is.EquivalentTo((List<(string, string?)>)[
                ("Encrypt", newKey), ("Decrypt", newKey), ("Decrypt", newKey), ("Decrypt", oldKey)]));
    }

    [Test]
    public async Task A_source_has_the_values_of_its_tenant_in_order([Values(ColumnsWorld.Sqlite, ColumnsWorld.Postgres)] string kind)
    {
        await using var world = await ColumnsWorld.StartAsync(kind);
        var ids = await world.WriteAsync("acme", 5);
        await world.WriteAsync("globex", 3);
        await using (var context = await world.OpenAsync())
        {
            context.Add(new Variable { Workspace = "workspace", Name = "no value", Value = null });
            await context.SaveChangesAsync();
        }

        var source = world.Host.GetRequiredService<DataKeyChange>().Sources("acme")["variables.value"];
        List<ReencryptionItem<Guid>> items = [];
        string? after = null;
        List<int> counts = [];
        do
        {
            var page = await source.ReadPageAsync(new() { After = after, MaxItems = 3 }, default);
            counts.Add(page.Count);
            items.AddRange(page);
            after = items[^1].Key;
        }
        while (counts[^1] > 0);

        Assert.That(counts, Is.EqualTo((int[])[3, 2, 0]));
        Assert.That(items.Select(item => item.Key), Is.EqualTo(ids.Select(id => id.ToString()).Order(StringComparer.Ordinal)));
        Assert.That(await ((ICountedReencryptionSource)source).CountItemsAsync(items[1].Key, default), Is.EqualTo(3));
        using var keys = await world.Contexts.OpenDataKeysAsync("acme");
        Assert.That(
            items.Select(item => keys.DecryptText(item.Bytes.Span, item.Place)),
            Is.EquivalentTo((string[])["value-0", "value-1", "value-2", "value-3", "value-4"]));
        using CancellationTokenSource stopped = new();
        await stopped.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(
            async () => await source.ReadPageAsync(new() { MaxItems = 3 }, stopped.Token));
    }

    [Test]
    public async Task Several_batches_at_once_move_all_values([Values(ColumnsWorld.Sqlite, ColumnsWorld.Postgres)] string kind)
    {
        await using var world = await ColumnsWorld.StartAsync(kind);
        await world.WriteAsync("acme", 200);
        var change = world.Host.GetRequiredService<DataKeyChange>();
        await change.AddAsync("acme");
        var keys = change.Keys("acme");
        ReencryptionProgress? last = null;

        await foreach (var progress in ByokReencryption.RunAsync(
            change.Sources("acme")["variables.value"], keys, keys, new() { BatchSize = 10, MaxDegreeOfParallelism = 4 }))
        {
            last = progress;
        }

        Assert.That((last!.Moved, last.Conflicts, last.Count!.Remaining), Is.EqualTo((200, 0, 0)));
        Assert.That(await world.ReadAsync(), Has.Count.EqualTo(200));
    }
}
