using Columns;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>What it costs in AWS calls to move many values to another data key.</summary>
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
}
