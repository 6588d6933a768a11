using Columns;
using Columns.Encryption;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>The life of a tenant's keys in samples/Columns: the first data key, another KMS key, another data key, revocation.</summary>
[TestFixture(ColumnsWorld.Sqlite)]
[TestFixture(ColumnsWorld.Postgres)]
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class ColumnsKeyTests(string database)
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
    public async Task First_requests_that_race_end_with_one_data_key()
    {
        var hosts = Enumerable.Range(0, 4).Select(_ => _world.CreateHost().GetRequiredService<TenantContexts>()).ToList();

        await Task.WhenAll(hosts.Concat(hosts).Select(async (contexts, number) =>
        {
            await using var context = await contexts.OpenAsync("acme");
            context.Add(new Variable { Workspace = "w", Name = $"{number}" });
            await context.SaveChangesAsync();
        }));

        Assert.That(
            (await _world.ReadAsync()).Select(row => row.Name), Is.EquivalentTo(Enumerable.Range(0, 8).Select(number => $"{number}")));
        Assert.That(await DataKeysAsync(), Is.EqualTo((int[])[1]));
    }

    [Test]
    public async Task The_store_keeps_the_key_that_came_first()
    {
        var store = new DataKeyStore(_world.Database.Options, "acme");

        var added = await Task.WhenAll(Enumerable.Range(1, 4).Select(number => store.TryAddAsync("1", [(byte)number], default).AsTask()));

        Assert.That(added.Count(one => one), Is.EqualTo(1));
        Assert.That(await store.FindAsync("1", default), Is.EqualTo((byte[])[(byte)(Array.IndexOf(added, true) + 1)]));
        Assert.That(
            await new DataKeyStore(_world.Database.Options, "globex").TryAddAsync("1", [9], default),
            Is.True,
            "another tenant's is another");
        Assert.That(await store.FindAsync("2", default), Is.Null);
    }

    [Test]
    public async Task A_tenant_that_types_the_key_of_another_is_refused_by_the_index_and_by_the_library()
    {
        var settings = _world.Acme.Settings();
        settings.KeyArn = KmsKeyArn.Parse(settings.KeyArn!).InRegion("us-east-2").ToString(); // a replica is the same key
        var verifier = _world.Host.GetRequiredService<IByokVerifier>();

        await Assert.ThrowsAsync<DbUpdateException>(() => _world.ChangeSettingsAsync("globex", settings));
        var verification = await verifier.VerifyAsync(settings, "globex");

        Assert.That(
            verification.Steps.Where(step => step.Outcome == ByokVerificationOutcome.Failed).Select(step => step.Check),
            Is.EqualTo((ByokVerificationCheck[])[ByokVerificationCheck.Registration]));
        Assert.That((await verifier.VerifyAsync(_world.Acme.Settings(), "acme")).Succeeded, Is.True);
    }

    [Test]
    public async Task Of_two_tenants_that_save_one_key_at_the_same_time_one_is_refused_and_stores_nothing()
    {
        var store = (CustomerStore)_world.Host.GetRequiredService<IByokKeySettingsStore>();
        var settings = _world.Acme.Settings();
        settings.KeyArn = _world.Byok.Customer.CreateKey(multiRegion: true).Arn;
        string[] tenants = ["initech", "umbrella"];

        var saved = await Task.WhenAll(tenants.Select(tenant => Task.Run(() => SavesAsync(tenant))));

        var winner = tenants[Array.IndexOf(saved, true)];
        Assert.That(saved, Is.EquivalentTo((bool[])[true, false]));
        Assert.That(await store.FindTenantAsync(ByokTenantResources.Of(settings)[0], default), Is.EqualTo(winner));
        Assert.That(await store.FindAsync(tenants.Single(tenant => tenant != winner), default), Is.Null);

        async Task<bool> SavesAsync(string tenant)
        {
            try
            {
                await store.SetAsync(tenant, settings);
                return true;
            }
            catch (DbUpdateException)
            {
                return false;
            }
        }
    }

    [Test]
    public async Task A_key_that_a_tenant_no_longer_uses_is_free()
    {
        var old = _world.Acme.Settings();
        _world.Acme.ChangeKey();
        await _world.ChangeSettingsAsync("acme", _world.Acme.Settings());

        await _world.ChangeSettingsAsync("globex", old);

        Assert.That(
            (await _world.Host.GetRequiredService<IByokKeyRingProvider>().GetKeyRingAsync("globex")).KeyArn.ToString(),
            Is.EqualTo(old.KeyArn));
    }

    [Test]
    public async Task Another_KMS_key_takes_one_new_message_and_touches_no_row()
    {
        var ids = await _world.WriteAsync("acme", 3);
        var before = await _world.StoredAsync(ids[0]);
        var old = _world.Acme.ChangeKey();
        await _world.ChangeSettingsAsync("acme", _world.Acme.Settings(old));
        Assert.That(await _world.ReadAsync(), Has.Count.EqualTo(3), "the old key still decrypts");
        _world.Byok.Aws.Log.Clear();

        await _world.Contexts.ReencryptAsync("acme");

        Assert.That(_world.Byok.Aws.Log.Count("Encrypt"), Is.EqualTo(1));
        await _world.ChangeSettingsAsync("acme", _world.Acme.Settings());
        old.Disable();
        Assert.That((await _world.ReadAsync()).Select(row => row.Value), Is.EqualTo((string[])["value-0", "value-1", "value-2"]));
        Assert.That(await _world.StoredAsync(ids[0]), Is.EqualTo(before));
    }

    [Test]
    public async Task Another_data_key_is_introduced_while_the_host_goes_on()
    {
        var change = _world.Host.GetRequiredService<DataKeyChange>();
        await _world.WriteAsync("acme", 3);
        await using var early = await _world.OpenAsync();
        await change.AddAsync("acme");
        Assert.That(await _world.ReadAsync(), Has.Count.EqualTo(3), "the old data key is still open");
        await _world.WriteAsync("acme", 1);

        Assert.That(await change.MoveAsync("acme"), Is.EqualTo(6), "of the eight values, those under the old key");
        early.Add(new Variable { Workspace = "w", Name = "late" });
        await early.SaveChangesAsync();
        Assert.That(await change.MoveAsync("acme"), Is.EqualTo(1), "what a request under way has written");
        Assert.That(await change.MoveAsync("acme"), Is.Zero);
        await change.DropOldAsync("acme");

        Assert.That(await DataKeysAsync(), Is.EqualTo((int[])[2]));
        Assert.That(
            (await _world.ReadAsync()).Select(row => row.Name), Is.EqualTo((string[])["late", "name-0", "name-0", "name-1", "name-2"]));
    }

    [Test]
    public async Task Moving_values_goes_through_all_pages()
    {
        await _world.WriteAsync("acme", 501);
        var change = _world.Host.GetRequiredService<DataKeyChange>();
        await change.AddAsync("acme");

        Assert.That(await change.MoveAsync("acme"), Is.EqualTo(1002));
    }

    [Test]
    public async Task A_data_key_is_not_dropped_while_a_value_is_under_it()
    {
        var change = _world.Host.GetRequiredService<DataKeyChange>();
        await _world.WriteAsync("acme", 2);
        await _world.WriteAsync("globex", 1);
        await change.AddAsync("acme");

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => change.DropOldAsync("acme"));

        Assert.That(error!.Message, Does.StartWith("4 values are under an older data key"));
        Assert.That((await change.CountOldAsync("acme"), await change.CountOldAsync("globex")), Is.EqualTo((4, 0)));
        Assert.That(await _world.ReadAsync(), Has.Count.EqualTo(2));
        Assert.That(await change.MoveAsync("acme"), Is.EqualTo(4));
        Assert.That(await change.CountOldAsync("acme"), Is.Zero);
    }

    [Test]
    public async Task A_source_reads_its_tenants_rows_in_pages_and_replaces_only_what_it_has_read()
    {
        var ids = await _world.WriteAsync("acme", 5);
        await _world.WriteAsync("globex", 3);
        var value = EncryptedColumn.Of(typeof(Variable)).Single(column => column.Text == nameof(Variable.Value));
        var source = new ColumnSource<Variable>(_world.Database.Options, "acme", value);
        var first = await source.ReadPageAsync(new() { MaxItems = 2 }, default);
        var rest = await source.ReadPageAsync(new() { MaxItems = 10, After = first[1].Key }, default);
        Assert.That(first.Concat(rest).Select(item => item.Id), Is.EquivalentTo(ids));
        Assert.That(await source.CountItemsAsync(first[1].Key, default), Is.EqualTo(3));
        await using (var context = await _world.OpenAsync())
        {
            (await context.Variables.SingleAsync(row => row.Id == first[0].Id)).Value = "written meanwhile";
            await context.SaveChangesAsync();
        }

        var replaced = await source.ReplaceAsync(
            [.. first.Concat(rest).Select(item => new ReencryptionReplacement<Guid>(item, ReencryptionForm.Value, [1, 2, 3]))], default);

        Assert.That(replaced, Is.EqualTo(4));
        Assert.That((await _world.StoredAsync(first[0].Id)).Value, Has.Length.GreaterThan(ByokDataKey.Overhead));
        Assert.That((await _world.StoredAsync(first[1].Id)).Value, Is.EqualTo((byte[])[1, 2, 3]));
    }

    [Test]
    public void What_is_offered_for_copying_names_no_table()
    {
        var source = File.ReadAllText(Repository.Path("samples/Columns/DataKeyChange.cs"));

        string[] tables =
            [.. typeof(TenantRow).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(TenantRow))).Select(type => type.Name)];
        Assert.That(tables, Is.Not.Empty);
        Assert.That(tables.Where(table => source.Contains(table, StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public async Task A_revocation_stops_reads_and_writes_until_the_key_is_given_back()
    {
        await _world.WriteAsync("acme", 2);
        await _world.WriteAsync("globex", 1);
        await using var open = await _world.OpenAsync();
        var tracked = await open.Variables.OrderBy(row => row.Id).FirstAsync();
        _world.Acme.Key.Disable();
        Assert.That(await _world.ReadAsync(), Has.Count.EqualTo(2), "no one knows yet");

        _world.Byok.Time.Advance(TimeSpan.FromSeconds(60));

        Assert.That(
            (await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => _world.OpenAsync()))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => open.Variables.OrderBy(row => row.Id).LastAsync());
        tracked.Value = "another";
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => open.SaveChangesAsync());
        Assert.That(await _world.ReadAsync("globex"), Has.Count.EqualTo(1), "another customer is not concerned");

        _world.Acme.Key.Enable();
        _world.Byok.Time.Advance(TimeSpan.FromSeconds(60)); // the longest pause after a denial
        Assert.That((await _world.ReadAsync()).Select(row => row.Value), Is.EqualTo((string[])["value-0", "value-1"]));
    }

    private async Task<List<int>> DataKeysAsync()
    {
        await using var context = new HostContext(_world.Database.Options);
        return await context.StoredDataKeys.Select(key => key.Number).ToListAsync();
    }
}
