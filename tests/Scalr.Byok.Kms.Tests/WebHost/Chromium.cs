using System.Reflection;
using Microsoft.Playwright;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>Debian's Chromium, driven by Playwright. One process serves all tests, and ends after the last of them.</summary>
/// <remarks>
/// The headless shell has the same engine without the window of a browser, and takes about half the processor time.
/// Without the scope, the fixtures of this folder would not run beside others.
/// </remarks>
[SetUpFixture]
[Parallelizable(ParallelScope.Self | ParallelScope.Fixtures)]
internal sealed class Chromium
{
    private const string Variable = "BYOK_CHROMIUM";
    private const string Shell = "/usr/bin/chromium-headless-shell";
    private const string WithWindow = "/usr/bin/chromium";

    /// <summary>Where the driver is: in the folder of the package. Playwright looks beside the tests otherwise.</summary>
    private const string DriverVariable = "PLAYWRIGHT_DRIVER_SEARCH_PATH";

    /// <summary>No wait is longer. The machine may be slow.</summary>
    private const float Longest = 60_000;

    private static readonly Lazy<Task<(IPlaywright Driver, IBrowser Browser)>> Started = new(StartAsync);

    /// <summary>Opens a browser without cookies. Skips the test if there is no Chromium.</summary>
    public static async Task<IBrowserContext> OpenAsync(BrowserNewContextOptions? options = null)
    {
        if (!File.Exists(Program))
        {
            Assert.Ignore(
                $"There is no {Program}. Install the Debian package chromium-headless-shell or chromium, or name one in {Variable}.");
        }

        var context = await (await Started.Value).Browser.NewContextAsync(options ?? new());
        context.SetDefaultTimeout(Longest);
        context.SetDefaultNavigationTimeout(Longest);
        return context;
    }

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (Started.IsValueCreated)
        {
            var (driver, browser) = await Started.Value;
            await browser.DisposeAsync();
            driver.Dispose();
        }
    }

    private static string Program => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } program
        ? program
        : File.Exists(Shell) ? Shell : WithWindow;

    private static async Task<(IPlaywright Driver, IBrowser Browser)> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(DriverVariable) is null)
        {
            var metadata = typeof(Chromium).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>();
            Environment.SetEnvironmentVariable(DriverVariable, metadata.Single(one => one.Key == "PlaywrightDriver").Value);
        }

        var driver = await Playwright.CreateAsync();
        var browser = await driver.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Program,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", // root and containers
                "--disable-site-isolation-trials", "--renderer-process-limit=1", // tabs share a process: each costs a start
            ],
            Timeout = Longest,
        });
        return (driver, browser);
    }
}
