using Columns;
using LocalAws;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.Columns;
using WebHost;
using WebHost.Accounts;
using WebHost.Demo;
using WebHost.Moves;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The sample's host on a free port, with a LocalAws and data that outlive it.</summary>
internal sealed class WebHostWorld : IAsyncDisposable
{
    /// <summary>
    /// The keys that a host has made, for signing tokens and for data protection: to make them is most of a host's start, so later hosts
    /// get the same ones.
    /// </summary>
    private static volatile IReadOnlyList<(string Path, byte[] Content)> _keys = [];

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("webhost-tests-");
    private readonly List<Browser> _browsers = [];
    private WebApplication? _app;
    private int _accounts;

    private readonly string[] _args;

    private readonly Action<IServiceCollection>? _configure;

    private WebHostWorld(DemoCloud cloud, string[] args, Action<IServiceCollection>? configure)
    {
        (Cloud, _configure) = (cloud, configure);
        _args =
        [
            "--urls", "http://127.0.0.1:0",
            "--DataDirectory", _data.FullName,
            "--Byok:DataKeyCache:MaxAge", "00:00:00", // each opened data key asks AWS KMS, so a revocation shows at once
            "--Byok:Resilience:MaxRetryAttempts", "0",
            "--Byok:Resilience:AttemptTimeout", "00:00:20", "--Byok:Resilience:TotalTimeout", "00:00:20", // a busy machine is slow
            "--Moves:PollInterval", "00:00:00.1", // each look at the database costs processor time
            "--Logging:LogLevel:Default", "None", "--Logging:LogLevel:Microsoft.AspNetCore", "None",
            .. args,
        ];
    }

    /// <summary>The host's database.</summary>
    public string ConnectionString => HostSettings.Read(
        new ConfigurationBuilder().AddCommandLine(_args).Build(), () => throw new InvalidOperationException()).Database;

    public DemoCloud Cloud { get; }

    public LocalAwsServer Aws => Cloud.Aws;

    /// <summary>The configuration of a process of this host. Of two arguments with the same name, the later one counts.</summary>
    public IReadOnlyList<string> Arguments =>
        [.. Cloud.Configuration.SelectMany(setting => (string[])[$"--{setting.Key}", setting.Value!]), .. _args];

    public AccountStore Accounts => Services.GetRequiredService<AccountStore>();

    /// <summary>The services of the host.</summary>
    public IServiceProvider Services => _app!.Services;

    public Uri Address => new(_app!.Urls.Single());

    /// <param name="args">Further configuration of the host.</param>
    public static Task<WebHostWorld> StartAsync(params string[] args) => StartAsync(configure: null, args);

    private static async Task<WebHostWorld> StartAsync(Action<IServiceCollection>? configure, string[] args)
    {
        var world = new WebHostWorld(await DemoCloud.StartAsync(), args, configure);
        foreach (var (path, content) in _keys)
        {
            var file = Path.Combine(world._data.FullName, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, content);
        }

        await world.StartHostAsync();
        return world;
    }

    /// <summary>Prepares LocalAws and data for processes of the host. Skips the test if there is no PostgreSQL server.</summary>
    /// <param name="kind">The kind of database.</param>
    /// <param name="args">Further configuration of the host.</param>
    public static async Task<WebHostWorld> StartWithoutHostAsync(string kind, params string[] args)
    {
        var on = ArgumentsFor(kind, args);
        return new(await DemoCloud.StartAsync(), on, configure: null);
    }

    /// <summary>Starts a host on a kind of database. Skips the test if there is no PostgreSQL server.</summary>
    /// <param name="kind">The kind of database.</param>
    /// <param name="configure">Changes the services of the host.</param>
    /// <param name="args">Further configuration of the host.</param>
    public static Task<WebHostWorld> StartOnAsync(
        string kind, Action<IServiceCollection>? configure = null, params string[] args) => StartAsync(configure, ArgumentsFor(kind, args));

    private static string[] ArgumentsFor(string kind, string[] args) => kind == ColumnsWorld.Postgres
        ? [.. args, "--ConnectionStrings:Postgres", $"{ColumnsWorld.FindPostgres()};Database=webhost_{Guid.NewGuid():N}"]
        : args;

    /// <summary>Starts a host. The data of one that was stopped is there again.</summary>
    /// <param name="args">Further configuration.</param>
    public async Task StartHostAsync(params string[] args)
    {
        var app = await WebHostApplication.CreateAsync([.. _args, .. args], Cloud, _configure);
        try
        {
            await app.StartAsync();
            _app = app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a host at an address that a process has left.</summary>
    /// <param name="address">The address.</param>
    /// <param name="args">Further configuration.</param>
    public Task StartHostAsync(Uri address, params string[] args) => TakeAsync(address, async urls =>
    {
        try
        {
            await StartHostAsync([.. args, .. urls]);
            return this;
        }
        catch (IOException)
        {
            return null;
        }
    });

    /// <summary>Starts a process of the host at an address that another host has left.</summary>
    /// <param name="address">The address.</param>
    /// <param name="args">Further configuration.</param>
    public Task<HostProcess> StartProcessAsync(Uri address, params string[] args) => TakeAsync(address, async urls =>
    {
        var process = new HostProcess([.. Arguments, .. args, .. urls]);
        if (await process.TryListenAsync())
        {
            return process;
        }

        await TestContext.Out.WriteLineAsync(process.Errors);
        process.Dispose();
        return null;
    });

    /// <summary>Tries to start a host at an address. A connection of another test may have taken the port for a moment.</summary>
    /// <param name="address">The address.</param>
    /// <param name="start">Starts a host with the arguments; null if the address is taken.</param>
    private static async Task<T> TakeAsync<T>(Uri address, Func<string[], Task<T?>> start)
        where T : class
    {
        T? started = null;
        string[] urls = ["--urls", address.GetLeftPart(UriPartial.Authority)];
        await UntilAsync(async () => started = await start(urls), host => host is not null);
        return started!;
    }

    public async Task StopHostAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
    }

    public Task<Browser> SignInAsync(string tenant) => SignInAsync(tenant, Address);

    /// <summary>Signs in to instances of the host.</summary>
    public async Task<Browser> SignInAsync(string tenant, params Uri[] instances)
    {
        var browser = new Browser(instances);
        _browsers.Add(browser);
        if (DemoAccounts.All.ContainsKey(tenant))
        {
            await browser.PostAsync("/SignIn", "/SignIn", ("account", tenant));
        }
        else
        {
            browser.SignIn(CookieOf(tenant));
        }

        return browser;
    }

    /// <summary>Adds the account of a customer of one test, so that tests can share a host.</summary>
    /// <returns>The tenant.</returns>
    public async Task<string> AddAccountAsync()
    {
        var tenant = $"customer-{Interlocked.Increment(ref _accounts)}";
        await Accounts.CreateAsync(tenant);
        return tenant;
    }

    /// <summary>What a customer's browser has after the sign-in. The page has the demo accounts only.</summary>
    public (string Name, string Value) CookieOf(string tenant)
    {
        const string Scheme = CookieAuthenticationDefaults.AuthenticationScheme;
        var options = Services.GetRequiredService<IOptionsMonitor<CookieAuthenticationOptions>>().Get(Scheme);
        var ticket = new AuthenticationTicket(SignedInAccount.Customer(tenant, tenant), Scheme);
        return (options.Cookie.Name!, options.TicketDataFormat.Protect(ticket));
    }

    /// <summary>Adds variables name-0, name-1 and so on, with the values value-0, value-1 and so on.</summary>
    public async Task AddVariablesAsync(string tenant, int count)
    {
        await using var context = await Services.GetRequiredService<TenantContexts>().OpenAsync(tenant);
        context.ChangeTracker.AutoDetectChangesEnabled = false;
        context.AddRange(Enumerable.Range(0, count).Select(
            number => new Variable { Workspace = "production", Name = $"name-{number}", Value = $"value-{number}" }));
        await context.SaveChangesAsync();
    }

    /// <summary>All variables of a tenant, decrypted.</summary>
    public async Task<List<Variable>> ReadVariablesAsync(string tenant)
    {
        await using var context = await Services.GetRequiredService<TenantContexts>().OpenAsync(tenant);
        return await context.Variables.AsNoTracking().ToListAsync();
    }

    /// <summary>An account, whether a host runs or not.</summary>
    public async Task<Account> ReadAccountAsync(string tenant)
    {
        await using var context = new AccountContext(Database.OptionsOf<AccountContext>(ConnectionString));
        return await context.Accounts.AsNoTracking().SingleAsync(account => account.Tenant == tenant);
    }

    /// <summary>How far a move is, source by source.</summary>
    public Task<List<Move>> ListMovesAsync(Guid move) => Services.GetRequiredService<MoveStore>().ListAsync(move);

    /// <summary>The encrypted data keys of a tenant.</summary>
    public async Task<List<byte[]>> ReadDataKeysAsync(string tenant)
    {
        var store = new DataKeyStore(Database.OptionsOf<HostContext>(ConnectionString), tenant);
        return [.. (await store.ListAsync()).Select(key => key.EncryptedKey)];
    }

    /// <summary>Waits for what a background service of the host does.</summary>
    public static Task UntilAsync(Func<bool> isDone) => UntilAsync(() => Task.FromResult(isDone()), done => done);

    /// <summary>Asks again and again until the answer is the expected one. Fails after a minute without it.</summary>
    public static async Task UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isExpected)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!isExpected(await ask()))
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }
    }

    /// <summary>All bytes of the database of SQLite, the log included.</summary>
    public string DumpDatabase() => string.Concat(Directory.GetFiles(_data.FullName, "webhost.db*").Select(path =>
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return System.Text.Encoding.Latin1.GetString(bytes.ToArray());
    }));

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
        KeepKeys();
        await Cloud.DisposeAsync();
        await using (var context = new AccountContext(Database.OptionsOf<AccountContext>(ConnectionString)))
        {
            await context.Database.EnsureDeletedAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _data.Delete(recursive: true);
    }

    private void KeepKeys()
    {
        var issuerKey = Path.Combine(_data.FullName, "issuer-key");
        if (_keys.Count == 0 && File.Exists(issuerKey))
        {
            _keys =
            [
                .. Directory.GetFiles(Path.Combine(_data.FullName, "keys")).Prepend(issuerKey)
                    .Select(file => (Path.GetRelativePath(_data.FullName, file), File.ReadAllBytes(file))),
            ];
        }
    }
}
