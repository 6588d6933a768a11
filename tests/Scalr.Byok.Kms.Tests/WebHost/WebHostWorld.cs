using Columns;
using LocalAws;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Columns;
using WebHost;
using WebHost.Accounts;
using WebHost.Demo;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The sample's host on a free port, with a LocalAws and data that outlive it.</summary>
internal sealed class WebHostWorld : IAsyncDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("webhost-tests-");
    private readonly List<Browser> _browsers = [];
    private WebApplication _app = null!;

    private readonly string[] _args;

    private WebHostWorld(DemoCloud cloud, string[] args)
    {
        Cloud = cloud;
        _args =
        [
            "--urls", "http://127.0.0.1:0",
            "--DataDirectory", _data.FullName,
            "--Byok:DataKeyCache:MaxAge", "00:00:00", // each opened data key asks AWS KMS, so a revocation shows at once
            "--Byok:Resilience:MaxRetryAttempts", "0",
            "--Moves:PollInterval", "00:00:00.05",
            "--Logging:LogLevel:Default", "None", "--Logging:LogLevel:Microsoft.AspNetCore", "None",
            .. args,
        ];
    }

    private string ConnectionString => HostSettings.Read(
        new ConfigurationBuilder().AddCommandLine(_args).Build(), () => throw new InvalidOperationException()).Database;

    public DemoCloud Cloud { get; }

    public LocalAwsServer Aws => Cloud.Aws;

    /// <summary>The configuration of a process of this host.</summary>
    public IReadOnlyList<string> Arguments =>
        [.. _args, .. Cloud.Configuration.SelectMany(setting => (string[])[$"--{setting.Key}", setting.Value!])];

    public AccountStore Accounts => _app.Services.GetRequiredService<AccountStore>();

    public Uri Address => new(_app.Urls.Single());

    /// <param name="args">Further configuration of the host.</param>
    public static async Task<WebHostWorld> StartAsync(params string[] args)
    {
        var world = new WebHostWorld(await DemoCloud.StartAsync(), args);
        await world.StartHostAsync();
        return world;
    }

    /// <summary>Starts a host on a kind of database. Skips the test if there is no PostgreSQL server.</summary>
    public static Task<WebHostWorld> StartOnAsync(string kind) => kind == ColumnsWorld.Postgres
        ? StartAsync("--ConnectionStrings:Postgres", $"{ColumnsWorld.FindPostgres()};Database=webhost_{Guid.NewGuid():N}")
        : StartAsync();

    /// <summary>Starts a host. The data of one that was stopped is there again.</summary>
    public async Task StartHostAsync()
    {
        _app = await WebHostApplication.CreateAsync(_args, Cloud);
        await _app.StartAsync();
    }

    public async Task StopHostAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    public async Task<Browser> SignInAsync(string tenant)
    {
        var browser = new Browser(Address);
        _browsers.Add(browser);
        await browser.PostAsync("/SignIn", "/SignIn", ("account", tenant));
        return browser;
    }

    /// <summary>An account, whether a host runs or not.</summary>
    public async Task<Account> ReadAccountAsync(string tenant)
    {
        await using var context = new AccountContext(Database.OptionsOf<AccountContext>(ConnectionString));
        return await context.Accounts.AsNoTracking().SingleAsync(account => account.Tenant == tenant);
    }

    /// <summary>The encrypted data keys of a tenant.</summary>
    public async Task<List<byte[]>> ReadDataKeysAsync(string tenant)
    {
        var store = new DataKeyStore(Database.OptionsOf<HostContext>(ConnectionString), tenant);
        return [.. (await store.ListAsync()).Select(key => key.EncryptedKey)];
    }

    /// <summary>Waits for what a background service of the host does.</summary>
    public static async Task UntilAsync(Func<bool> isDone)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!isDone())
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }
    }

    /// <summary>The encrypted contents of a tenant's files.</summary>
    public string[] Files(string tenant)
    {
        var folder = Path.Combine(_data.FullName, "files", tenant);
        return Directory.Exists(folder) ? Directory.GetFiles(folder) : [];
    }

    public async ValueTask DisposeAsync()
    {
        _browsers.ForEach(browser => browser.Dispose());
        await StopHostAsync();
        await Cloud.DisposeAsync();
        await using (var context = new AccountContext(Database.OptionsOf<AccountContext>(ConnectionString)))
        {
            await context.Database.EnsureDeletedAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _data.Delete(recursive: true);
    }
}
