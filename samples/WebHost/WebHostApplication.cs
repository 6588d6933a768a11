using System.Data.Common;
using Columns;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Configuration.Memory;
using Scalr.Byok.Kms;
using StackExchange.Redis;
using WebHost.Accounts;
using WebHost.Api;
using WebHost.Assets;
using WebHost.Credentials;
using WebHost.Data;
using WebHost.Demo;
using WebHost.Events;
using WebHost.Files;
using WebHost.Moves;
using WebHost.Problems;
using WebHost.Telemetry;
using WebHost.Webhooks;
using Database = Columns.Database;

namespace WebHost;

/// <summary>Builds the host. Tests call it with a LocalAws of their own.</summary>
public static class WebHostApplication
{
    private const string DefaultUrl = "http://127.0.0.1:5080";
    private const int Attempts = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Builds the host and prepares its database.</summary>
    /// <param name="args">The command line: any setting of the configuration, such as <c>--urls</c>.</param>
    public static async Task<WebApplication> CreateAsync(string[] args)
    {
        var builder = CreateBuilder(args);
        if (builder.Configuration["Platform:KeyArn"] is null)
        {
            var cloud = await DemoCloud.StartAsync();
            UseCloud(builder, cloud);
            builder.Services.AddSingleton(_ => cloud); // the container disposes what it has created
        }

        return await BuildAsync(builder);
    }

    /// <summary>Builds the host on a LocalAws that the caller owns, and prepares its database.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="cloud">The host's account and the platform key in LocalAws. Hosts that share data share it.</param>
    /// <param name="configure">Changes the services; null changes none.</param>
    public static Task<WebApplication> CreateAsync(string[] args, DemoCloud cloud, Action<IServiceCollection>? configure = null)
    {
        var builder = CreateBuilder(args);
        configure?.Invoke(builder.Services);
        UseCloud(builder, cloud);
        builder.Services.AddSingleton(cloud);
        return BuildAsync(builder);
    }

    private static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(WebHostApplication).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        SetDefaults(builder, new Dictionary<string, string?>
        {
            [WebHostDefaults.ServerUrlsKey] = DefaultUrl,
            ["Logging:LogLevel:Microsoft.AspNetCore"] = nameof(LogLevel.Warning),
            ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = nameof(LogLevel.Warning),
        });
        return builder;
    }

    /// <summary>Settings that every other source of the configuration overrides.</summary>
    private static void SetDefaults(WebApplicationBuilder builder, IEnumerable<KeyValuePair<string, string?>> settings) =>
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = settings });

    private static void UseCloud(WebApplicationBuilder builder, DemoCloud cloud)
    {
        ArgumentNullException.ThrowIfNull(cloud);
        SetDefaults(builder, cloud.Configuration);
        builder.Services.AddSingleton<CustomerConsoles>();
    }

    private static async Task<WebApplication> BuildAsync(WebApplicationBuilder builder)
    {
        var scratch = new Scratch();
        builder.Services.AddSingleton(_ => scratch);
        var settings = HostSettings.Read(builder.Configuration, () => scratch.Path);
        AddServices(builder, settings);
        var app = builder.Build();
        app.Services.GetService<DemoCloud>();
        app.Services.GetRequiredService<Scratch>();
        Map(app);
        await PrepareDatabaseAsync(app.Services);
        return app;
    }

    private static void AddServices(WebApplicationBuilder builder, HostSettings settings)
    {
        var services = builder.Services;
        var hostDatabase = Database.OptionsOf<HostContext>(settings.Database);
        services.AddSingleton(settings).AddSingleton(TimeProvider.System);
        services.AddSingleton(hostDatabase);
        services.AddDbContextFactory<AccountContext>(
            options => _ = Database.IsPostgres(settings.Database)
                ? options.UseNpgsql(settings.Database)
                : options.UseSqlite(settings.Database));
        services.AddDataProtection().SetApplicationName("webhost")
            .PersistKeysToFileSystem(Directory.CreateDirectory(Path.Combine(settings.DataDirectory, "keys")));

        var byok = services.AddScalrByok(builder.Configuration.GetSection("Byok"))
            .AddTenantKeyRings<AccountKeyStore>()
            .AddPlatformKey(builder.Configuration.GetSection("Platform"))
            .AddOidcTokens<HostIssuer>()
            .AddKeyObserver<KeyEventStore>();
        if (settings.Redis is not null)
        {
            services.AddStackExchangeRedisCache(options =>
            {
                var redis = ConfigurationOptions.Parse(settings.Redis);
                redis.AbortOnConnectFail = false; // the host also starts while Redis is away
                redis.BacklogPolicy = BacklogPolicy.FailFast; // the library does not wait for Redis, so no command should wait either
                options.ConfigurationOptions = redis;
            });
            byok.ShareConfirmations(builder.Configuration.GetSection("Fleet"));
        }

        services.AddSingleton<HostIssuer>();
        services.AddSingleton<KeyEventStore>().AddSingleton<KeyBanner>();
        services.AddSingleton<AccountStore>();
        services.AddSingleton<TenantContexts>().AddSingleton<DataKeyChange>().AddSingleton<DataKeyRetirement>().AddSingleton<TenantData>();
        services.AddSingleton(builder.Configuration.GetSection("Moves").Get<MoveOptions>() ?? new MoveOptions());
        services.AddSingleton<FileStore>();
        services.AddSingleton<WebhookStore>().AddSingleton<WebhookClient>().AddHostedService<WebhookSender>();
        builder.AddHostTelemetry();
        services.AddSingleton<MoveStore>().AddHostedService<ReencryptionJob>();
        services.AddHealthChecks().AddByokKeyRings();
        services.AddProblemDetails().AddExceptionHandler<KeyProblemHandler>();
        services.AddSignedInAccounts();
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(options =>
        {
            options.LoginPath = "/SignIn";
            options.AccessDeniedPath = "/SignIn";
            options.Cookie.Name = "webhost";
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Events.OnRedirectToLogin = options.Events.OnRedirectToAccessDenied = context =>
            {
                if (context.Request.Path.StartsWithSegments(KeyProblemHandler.Api, StringComparison.Ordinal))
                {
                    context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                }
                else
                {
                    context.Response.Redirect("/SignIn");
                }

                return Task.CompletedTask;
            };
        });
        services.AddAntiforgery(options => options.Cookie.SameSite = SameSiteMode.Strict);
        services.AddRazorPages();
    }

    private static void Map(WebApplication app)
    {
        app.Use((context, next) =>
        {
            // At the start of the answer, because an exception clears the headers.
            context.Response.OnStarting(() =>
            {
                SecurityHeaders.Add(context.Response.Headers);
                return Task.CompletedTask;
            });
            return next(context);
        });
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandlingPath = FailurePage.Path,
            // The customer's decisions and outages of AWS are in the library's log. Everything else is an error of the host.
            SuppressDiagnosticsCallback = failed => KeyProblem.Of(failed.Exception)?.Status is 409 or 503,
        });
        FailurePage.Use(app);
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        EmbeddedAssets.Map(app);
        HostIssuer.Map(app);
        VariablesApi.Map(app);
        FilesApi.Map(app);
        EncryptionStream.Map(app);
        app.MapHealthChecks("/health").AllowAnonymous();
        app.MapRazorPages();
    }

    /// <summary>Creates tables and demo accounts. Instances that start at the same moment do so together.</summary>
    private static async Task PrepareDatabaseAsync(IServiceProvider services)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await CreateTablesAsync(services);
                break;
            }
            catch (DbException) when (attempt < Attempts)
            {
                await Task.Delay(Pause); // another instance creates them
            }
        }

        foreach (var tenant in DemoAccounts.All.Keys)
        {
            await services.GetRequiredService<AccountStore>().CreateAsync(tenant);
        }
    }

    private static async Task CreateTablesAsync(IServiceProvider services)
    {
        await using var host = new HostContext(services.GetRequiredService<DbContextOptions<HostContext>>());
        await host.Database.EnsureCreatedAsync();
        await using var accounts = await services.GetRequiredService<IDbContextFactory<AccountContext>>().CreateDbContextAsync();
        if (!await HasTablesAsync(accounts))
        {
            await accounts.GetService<IRelationalDatabaseCreator>().CreateTablesAsync();
        }
    }

    private static async Task<bool> HasTablesAsync(AccountContext context) => (await (context.Database.IsNpgsql()
        ? context.Database.SqlQuery<string>($"SELECT tablename AS \"Value\" FROM pg_tables WHERE tablename = 'accounts'")
        : context.Database.SqlQuery<string>($"SELECT name AS \"Value\" FROM sqlite_master WHERE name = 'accounts'")).ToListAsync())
        .Count > 0;
}
