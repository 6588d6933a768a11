using System.Text;
using Columns;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>What samples/Columns claims of encrypted columns in EF Core.</summary>
[TestFixture(ColumnsWorld.Sqlite)]
[TestFixture(ColumnsWorld.Postgres)]
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class ColumnsTests(string database)
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
    public async Task Reading_thousands_of_rows_costs_one_kms_Decrypt_for_each_tenant()
    {
        var rows = database == ColumnsWorld.Postgres ? 10_000 : 2_000; // the number of requests does not depend on it
        await _world.WriteAsync("acme", rows);
        await _world.WriteAsync("globex", rows);
        var other = _world.CreateHost().GetRequiredService<TenantContexts>();
        _world.Byok.Aws.Log.Clear();

        foreach (var tenant in (string[])["acme", "globex"])
        {
            var read = new HashSet<(string, string?)>();
            for (var page = 0; page < rows; page += 1000)
            {
                await using var context = await other.OpenAsync(tenant);
                read.UnionWith((await context.Variables.OrderBy(row => row.Id).Skip(page).Take(1000).ToListAsync()).Select(
                    row => (row.Name, row.Value)));
            }

            Assert.That(
                read.SetEquals(Enumerable.Range(0, rows).Select(number => ($"name-{number}", (string?)$"value-{number}"))),
                Is.True,
                tenant);
        }

        var calls = _world.Byok.Aws.Log.Requests.Where(request => request.Service == "kms")
            .Select(request => $"{request.Operation} {request.Key}");
        Assert.That(calls, Is.EquivalentTo((string[])[$"Decrypt {_world.Acme.Key.Arn}", $"Decrypt {_world.Globex.Key.Arn}"]));
    }

    [Test]
    public async Task A_dump_shows_no_plaintext_not_even_of_values_that_were_changed()
    {
        await using (var context = await _world.OpenAsync())
        {
            var row = new Variable { Workspace = "in-the-clear", Name = "hidden-name", Value = "hidden-before" };
            context.AddRange(row, new ProviderCredentials { Kind = "aws", Account = "hidden-account", Secret = "hidden-secret" });
            await context.SaveChangesAsync();
            row.Value = "hidden-after";
            await context.SaveChangesAsync();
        }

        var dump = await _world.Database.DumpAsync();

        Assert.That(dump.AsSpan().IndexOf("in-the-clear"u8), Is.Positive, "what is stored unencrypted is found");
        Assert.That(Encoding.Latin1.GetString(dump), Does.Not.Contain("hidden").IgnoreCase);
        Assert.That(dump.AsSpan().IndexOf(Encoding.UTF8.GetBytes(_world.Acme.Key.Arn)), Is.Positive, "the settings are stored");
        Assert.That(Encoding.Latin1.GetString(dump), Does.Not.Contain(_world.Acme.Settings().Credentials.SecretAccessKey!));
    }

    [Test]
    public async Task Settings_that_are_moved_to_another_tenants_row_do_not_open()
    {
        await using var context = new HostContext(_world.Database.Options);
        await context.Database.ExecuteSqlAsync(
            $"UPDATE key_settings SET json = (SELECT json FROM key_settings WHERE tenant = {"acme"}) WHERE tenant = {"globex"}");

        Assert.That(async () => await _world.OpenAsync("globex"), Throws.InstanceOf<System.Security.Cryptography.CryptographicException>());
    }

    [Test]
    public void A_tenant_without_settings_is_not_found() =>
        Assert.That(async () => await _world.OpenAsync("initech"), Throws.TypeOf<ByokTenantNotFoundException>());

    [TestCase(
        "globex",
        1,
        "UPDATE variables SET value = (SELECT value FROM variables WHERE id = {0}) WHERE id = {1}",
        TestName = "A_value_in_another_tenants_row_does_not_open")]
    [TestCase(
        "acme",
        1,
        "UPDATE variables SET value = (SELECT value FROM variables WHERE id = {0}) WHERE id = {1}",
        TestName = "A_value_in_another_row_does_not_open")]
    [TestCase("acme", 0, "UPDATE variables SET name = value WHERE id = {0}", TestName = "A_value_in_another_column_does_not_open")]
    [TestCase(
        "globex", 0, "UPDATE variables SET tenant = 'globex' WHERE id = {0}", TestName = "A_row_given_to_another_tenant_does_not_open")]
    public async Task A_value_in_another_place_does_not_open(string reader, int which, string sql)
    {
        var source = (await _world.WriteAsync("acme", 1))[0];
        Guid[] rows = [source, (await _world.WriteAsync(reader, 1))[0]];
        await using var context = await _world.OpenAsync(reader);

        Assert.That(await context.Database.ExecuteSqlRawAsync(sql, rows[0], rows[1]), Is.EqualTo(1));

        var row = rows[which];
        await Assert.ThrowsAsync<ByokDecryptionException>(() => context.Variables.SingleAsync(one => one.Id == row));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            () => context.Variables.AsNoTracking().Where(one => one.Id == row).Select(one => one.Value).SingleAsync());
    }

    [Test]
    public async Task An_update_writes_only_the_texts_that_changed()
    {
        var ids = await _world.WriteAsync("acme", 2);
        var (before, other) = (await _world.StoredAsync(ids[0]), await _world.StoredAsync(ids[1]));
        await using var context = await _world.OpenAsync();
        var rows = await context.Variables.ToListAsync();

        Assert.That(await context.SaveChangesAsync(), Is.Zero, "nothing changed");
        rows.Single(row => row.Id == ids[0]).Value = "another";
        Assert.That(await context.SaveChangesAsync(), Is.EqualTo(1));
        Assert.That(await context.SaveChangesAsync(), Is.Zero, "nothing more");

        var after = await _world.StoredAsync(ids[0]);
        Assert.That(after.Name, Is.EqualTo(before.Name));
        Assert.That(after.Value, Is.Not.EqualTo(before.Value));
        Assert.That(await _world.StoredAsync(ids[1]), Is.EqualTo(other));
        Assert.That((await _world.ReadAsync()).Select(row => row.Value), Is.EqualTo((string[])["another", "value-1"]));
    }

    [Test]
    public async Task Null_is_stored_as_null_and_a_demanded_text_is_demanded()
    {
        await using var context = await _world.OpenAsync();
        var row = new Variable { Workspace = "w", Name = "", Value = null };
        context.Add(row);
        context.SaveChanges();
        Assert.That((await _world.StoredAsync(row.Id)).Value, Is.Null);
        Assert.That((await _world.ReadAsync()).Select(one => (one.Name, one.Value)), Is.EqualTo(((string, string?)[])[("", null)]));

        row.Value = "there";
        context.SaveChanges();
        Assert.That((await _world.ReadAsync()).Single().Value, Is.EqualTo("there"));

        row.Value = null;
        context.SaveChanges();
        Assert.That((await _world.ReadAsync()).Single().Value, Is.Null);

        row.Name = null!;
        await Assert.ThrowsAsync<DbUpdateException>(() => context.SaveChangesAsync());
    }

    [Test]
    public async Task A_save_that_failed_can_be_tried_again()
    {
        var id = (await _world.WriteAsync("acme", 1))[0];
        await using var context = await _world.OpenAsync();
        var twin = new Variable { Id = id, Workspace = "w", Name = "twin" };
        context.Add(twin);
        await Assert.ThrowsAsync<DbUpdateException>(() => context.SaveChangesAsync());
        await context.Variables.Where(one => one.Id == id).ExecuteDeleteAsync();

        await context.SaveChangesAsync();

        Assert.That((await _world.ReadAsync()).Select(one => (one.Id, one.Name)), Is.EqualTo(((Guid, string)[])[(id, "twin")]));
    }

    [Test]
    public async Task The_change_tracker_and_the_model_know_no_text_in_clear()
    {
        await _world.WriteAsync("acme", 1);
        await using var context = await _world.OpenAsync();
        var row = await context.Variables.SingleAsync();
        row.Value = "another";
        await context.SaveChangesAsync();

        var entry = context.Entry(row);
        var texts = entry.Properties.SelectMany(one => (object?[])[one.OriginalValue, one.CurrentValue]).OfType<string>().Distinct();

        Assert.That(texts, Is.EquivalentTo((string[])["acme", "workspace"]));
        Assert.That(
            entry.Properties.Select(one => one.Metadata.Name),
            Is.EquivalentTo(
                (string[])["Id", "IsSensitive", "Tenant", "Workspace", "NameEncrypted", "NamePlain", "ValueEncrypted", "ValuePlain"]));
    }

    [Test]
    public async Task A_query_by_an_encrypted_text_is_refused()
    {
        await _world.WriteAsync("acme", 1);
        await using var context = await _world.OpenAsync();

        Assert.That(
            (await Assert.ThrowsAsync<InvalidOperationException>(
                () => context.Variables.Where(row => row.Name == "name-0").ToListAsync()))!.Message,
            Does.Contain("could not be translated").And.Contain("Name"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => context.Variables.OrderBy(row => row.Value).ToListAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => context.Variables.ExecuteUpdateAsync(set => set.SetProperty(row => row.Value, "x")));
    }

    [Test]
    public async Task A_projection_reads_encrypted_texts()
    {
        await _world.WriteAsync("acme", 2);
        await using var context = await _world.OpenAsync();

        Assert.That(await context.Variables.Select(row => row.Name).ToListAsync(), Is.EquivalentTo((string[])["name-0", "name-1"]));
    }

    [Test]
    public async Task A_tenant_neither_sees_nor_overwrites_another_tenants_rows()
    {
        var id = (await _world.WriteAsync("acme", 1))[0];
        var before = await _world.StoredAsync(id);
        await using var context = await _world.OpenAsync("globex");
        Assert.That(await context.Variables.ToListAsync(), Is.Empty);

        context.Update(new Variable { Id = id, Workspace = "w", Name = "of globex" });
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => context.SaveChangesAsync());

        Assert.That(await _world.StoredAsync(id), Is.EqualTo(before));
    }

    [Test]
    public async Task A_context_without_a_tenant_sees_and_saves_nothing()
    {
        await _world.WriteAsync("acme", 1);
        await using var context = new HostContext(_world.Database.Options);
        Assert.That(await context.Variables.ToListAsync(), Is.Empty);
        await Assert.ThrowsAsync<InvalidOperationException>(() => context.Variables.IgnoreQueryFilters().ToListAsync());

        context.Add(new Variable { Workspace = "w", Name = "x" });
        await Assert.ThrowsAsync<InvalidOperationException>(() => context.SaveChangesAsync());
    }
}
