using Columns;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Columns;
using WebHost.Data;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>Reads and writes of a tenant's rows.</summary>
internal sealed class TenantDataTests
{
    private WebHostWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_read_and_a_write_are_tried_again_when_a_data_key_was_confirmed_late()
    {
        var data = _world.Services.GetRequiredService<TenantData>();
        var (reads, writes) = (0, 0);

        await data.WriteAsync(
            "acme",
            context =>
            {
                context.Add(new global::Columns.Variable { Workspace = "production", Name = "name", Value = "value" });
                return ++writes == 1 ? throw new ByokServiceException("late", isTransient: true) : Task.CompletedTask;
            },
            CancellationToken.None);
        var count = await data.ReadAsync(
            "acme",
            async context => ++reads == 1
                ? throw new ByokServiceException("late", isTransient: true)
                : await context.Variables.CountAsync(),
            CancellationToken.None);

        Assert.That((reads, writes, count), Is.EqualTo((2, 2, 1)));
    }

    [Test]
    public async Task A_failure_that_stays_is_thrown()
    {
        var data = _world.Services.GetRequiredService<TenantData>();
        var reads = 0;

        Assert.That(
            () => data.ReadAsync<int>(
                "acme", _ => throw new ByokServiceException($"late {++reads}", isTransient: true), CancellationToken.None),
            Throws.TypeOf<ByokServiceException>().With.Message.EqualTo("late 3"));
    }

    [Test]
    public async Task A_write_that_reads_is_tried_again_when_the_job_has_moved_the_value()
    {
        await using var world = await WebHostWorld.StartOnAsync(ColumnsWorld.Postgres);
        await world.AddVariablesAsync("acme", 1);
        var data = world.Services.GetRequiredService<TenantData>();
        var change = world.Services.GetRequiredService<DataKeyChange>();
        var writes = 0;

        await data.WriteAsync(
            "acme",
            async context =>
            {
                if (++writes == 1)
                {
                    await change.AddAsync("acme");
                    await change.MoveAsync("acme");
                }

                (await context.Variables.SingleAsync()).Value = "another";
            },
            CancellationToken.None);

        Assert.That((writes, (await world.ReadVariablesAsync("acme")).Single().Value), Is.EqualTo((2, "another")));
    }
}
