using System.Data.Common;
using System.Text;
using Columns;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>Rows of which some are sensitive and encrypted, and others are plain text.</summary>
[TestFixture(ColumnsWorld.Sqlite)]
[TestFixture(ColumnsWorld.Postgres)]
internal sealed class OptionallySensitiveTests(string database)
{
    private ColumnsWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ColumnsWorld.StartAsync(database);

    [TearDown]
    public async Task StopAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    [Test]
    public async Task A_sensitive_row_is_encrypted_and_another_one_is_text()
    {
        await AddAsync("hidden-name", "hidden-value", isSensitive: true);
        await AddAsync("open-name", "open-value", isSensitive: false);
        await AddAsync("without-value", value: null, isSensitive: false);

        var dump = Encoding.Latin1.GetString(await _world.Database.DumpAsync());

        Assert.That(dump, Does.Contain("open-name").And.Contain("open-value").And.Not.Contain("hidden"));
        Assert.That(
            (await _world.ReadAsync()).Select(row => (row.Name, row.Value, row.IsSensitive)),
            Is.EqualTo(((string, string?, bool)[])[
                ("hidden-name", "hidden-value", true), ("open-name", "open-value", false), ("without-value", null, false)]));
    }

    [Test]
    public void A_new_row_is_sensitive() => Assert.That(new Variable { Workspace = "w", Name = "name" }.IsSensitive, Is.True);

    [Test]
    public async Task A_change_of_the_flag_leaves_one_form()
    {
        var id = await AddAsync("name", "value", isSensitive: true);

        var texts = new List<(byte[]?, byte[]?, string?, string?)>();
        foreach (var isSensitive in (bool[])[false, true])
        {
            await using var context = await _world.OpenAsync();
            (await context.Variables.SingleAsync()).IsSensitive = isSensitive;
            await context.SaveChangesAsync();
            texts.Add(await StoredAsync(id));
        }

        Assert.That(texts[0], Is.EqualTo(((byte[]?)null, (byte[]?)null, (string?)"name", (string?)"value")));
        Assert.That((texts[1].Item3, texts[1].Item4), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That((texts[1].Item1, texts[1].Item2), Is.Not.EqualTo(((byte[]?)null, (byte[]?)null)));
        Assert.That(
            (await _world.ReadAsync()).Select(row => (row.Name, row.Value)), Is.EqualTo(((string, string?)[])[("name", "value")]));
    }

    [TestCase(true, "UPDATE variables SET plain_value = 'text'", TestName = "The_database_rejects_text_in_a_sensitive_row")]
    [TestCase(true, "UPDATE variables SET is_sensitive = false", TestName = "The_database_rejects_a_changed_flag_alone")]
    [TestCase(false, "UPDATE variables SET is_sensitive = true", TestName = "The_database_rejects_a_flag_that_text_contradicts")]
    [TestCase(false, "UPDATE variables SET plain_name = NULL", TestName = "The_database_rejects_a_row_without_a_name")]
    public async Task The_database_rejects_a_mixture(bool isSensitive, string sql)
    {
        await AddAsync("name", "value", isSensitive);
        await using var context = new HostContext(_world.Database.Options);

        await Assert.ThatAsync(() => context.Database.ExecuteSqlRawAsync(sql), Throws.InstanceOf<DbException>());
        Assert.That((await _world.ReadAsync()).Single().Value, Is.EqualTo("value"));
    }

    [Test]
    public async Task Of_two_requests_that_change_flag_and_text_at_once_the_second_fails()
    {
        await AddAsync("name", "before", isSensitive: true);
        await using var first = await _world.OpenAsync();
        await using var second = await _world.OpenAsync();
        (await first.Variables.SingleAsync()).IsSensitive = false;
        (await second.Variables.SingleAsync()).Value = "secret";

        await first.SaveChangesAsync();

        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => second.SaveChangesAsync());
        Assert.That((await _world.ReadAsync()).Single().Value, Is.EqualTo("before"));
    }

    [Test]
    public async Task A_move_counts_and_moves_the_sensitive_rows_alone()
    {
        await AddAsync("hidden", "value", isSensitive: true);
        await AddAsync("hidden-without-value", value: null, isSensitive: true);
        await AddAsync("open", "value", isSensitive: false);
        var change = _world.Host.GetRequiredService<DataKeyChange>();
        await change.AddAsync("acme");

        var counted = await change.CountOldAsync("acme");
        var moved = await change.MoveAsync("acme");
        await change.DropOldAsync("acme");

        Assert.That((counted, moved), Is.EqualTo((3L, 3L)), "two names and one value");
        Assert.That((await _world.ReadAsync()).Select(row => row.Value), Is.EqualTo((string?[])["value", null, "value"]));
    }

    private async Task<Guid> AddAsync(string name, string? value, bool isSensitive)
    {
        await using var context = await _world.OpenAsync();
        var row = new Variable { Workspace = "w", Name = name, Value = value, IsSensitive = isSensitive };
        context.Add(row);
        await context.SaveChangesAsync();
        return row.Id;
    }

    private async Task<(byte[]? Name, byte[]? Value, string? PlainName, string? PlainValue)> StoredAsync(Guid id)
    {
        await using var context = new HostContext(_world.Database.Options);
        var row = await context.Variables.IgnoreQueryFilters().Where(row => row.Id == id).Select(row => new
        {
            Name = EF.Property<byte[]?>(row, "NameEncrypted"),
            Value = EF.Property<byte[]?>(row, "ValueEncrypted"),
            PlainName = EF.Property<string?>(row, "NamePlain"),
            PlainValue = EF.Property<string?>(row, "ValuePlain"),
        }).SingleAsync();
        return (row.Name, row.Value, row.PlainName, row.PlainValue);
    }
}
