using Columns;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Columns;

/// <summary>The sample's host, with its two customers, in a <see cref="ByokWorld"/>.</summary>
internal sealed class ColumnsWorld : IAsyncDisposable
{
    public const string Sqlite = "SQLite";
    public const string Postgres = "PostgreSQL";
    public const string Variable = "BYOK_POSTGRES";

    private readonly List<ServiceProvider> _hosts = [];

    private ColumnsWorld(ByokWorld byok, Database database)
    {
        Byok = byok;
        Database = database;
        Acme = new Customer(byok.Aws, "222233334444");
        Globex = new Customer(byok.Aws, "444455556666");
        Host = CreateHost();
    }

    public ByokWorld Byok { get; }

    public Database Database { get; }

    /// <summary>The data protection that all processes of the host share.</summary>
    public EphemeralDataProtectionProvider Protection { get; } = new();

    public Customer Acme { get; }

    public Customer Globex { get; }

    public ServiceProvider Host { get; }

    public TenantContexts Contexts => Host.GetRequiredService<TenantContexts>();

    /// <summary>The connection string of a PostgreSQL server. Skips the test if there is none.</summary>
    public static string FindPostgres()
    {
        var postgres = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(postgres))
        {
            Assert.Ignore($"{Variable} names no PostgreSQL server: a connection string of a user who may create databases.");
        }

        return postgres;
    }

    public static async Task<ColumnsWorld> StartAsync(string kind)
    {
        var postgres = kind == Postgres ? FindPostgres() : null;
        var world = new ColumnsWorld(await ByokWorld.StartAsync(), await Database.CreateAsync(postgres));
        await world.ChangeSettingsAsync("acme", world.Acme.Settings());
        await world.ChangeSettingsAsync("globex", world.Globex.Settings());
        return world;
    }

    /// <summary>Another process of the host.</summary>
    public ServiceProvider CreateHost()
    {
        var services = Byok.Services(options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        services.AddScalrByok().AddColumns(Database.Options, Protection);
        var host = Byok.Build(services);
        _hosts.Add(host);
        return host;
    }

    public async Task ChangeSettingsAsync(string tenant, ByokKeySettings settings)
    {
        await ((CustomerStore)Host.GetRequiredService<IByokKeySettingsStore>()).SetAsync(tenant, settings);
        _hosts.ForEach(host => host.GetRequiredService<IByokKeyRingProvider>().Invalidate(tenant));
    }

    public Task<HostContext> OpenAsync(string tenant = "acme") => Contexts.OpenAsync(tenant);

    /// <summary>Stores variables <c>name-0</c>, <c>value-0</c> and so on.</summary>
    public async Task<List<Guid>> WriteAsync(string tenant, int count)
    {
        await using var context = await OpenAsync(tenant);
        var rows = Enumerable.Range(0, count)
            .Select(number => new Variable { Workspace = "workspace", Name = $"name-{number}", Value = $"value-{number}" }).ToList();
        context.AddRange(rows);
        await context.SaveChangesAsync();
        return [.. rows.Select(row => row.Id)];
    }

    /// <summary>A tenant's variables by name, as a new request sees them.</summary>
    public async Task<List<Variable>> ReadAsync(string tenant = "acme")
    {
        await using var context = await OpenAsync(tenant);
        return [.. (await context.Variables.ToListAsync()).OrderBy(row => row.Name, StringComparer.Ordinal)];
    }

    /// <summary>What the database has of a variable.</summary>
    public async Task<(byte[] Name, byte[]? Value)> StoredAsync(Guid id)
    {
        await using var context = new HostContext(Database.Options);
        var row = await context.Variables.IgnoreQueryFilters().Where(row => row.Id == id)
            .Select(row => new { Name = EF.Property<byte[]>(row, "NameEncrypted"), Value = EF.Property<byte[]?>(row, "ValueEncrypted") })
            .SingleAsync();
        return (row.Name, row.Value);
    }

    public async ValueTask DisposeAsync()
    {
        await Byok.DisposeAsync();
        await Database.DisposeAsync();
    }
}
