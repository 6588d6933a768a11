using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using WebHost.Accounts;
using WebHost.Demo;
using WebHost.Moves;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The sample's host is stopped, killed and denied a key while data moves.</summary>
[Property("Order", 1)] // the longest of the folder
internal sealed class WebHostRestartTests
{
    private const int Variables = 300;

    /// <summary>All customers are interrupted at each kill: once in each of the three changes, if no move ends before.</summary>
    private static readonly int Interruptions = Measured.Number("BYOK_WEBHOST_INTERRUPTIONS", otherwise: 9);

    private static readonly string[] Slowly = ["--Moves:MaxItemsPerSecond", "400", "--Moves:BatchSize", "20"];

    [Test]
    [Category("Slow")]
    public async Task A_move_goes_on_where_a_stopped_host_has_left_it()
    {
        await using var world = await WebHostWorld.StartAsync("--Moves:MaxItemsPerSecond", "10"); // the move would take a minute
        var customer = await Customer.SignInAsync(world);
        await AddAsync(customer.Browser, Variables);
        await customer.ActivateAsync("Enable", await customer.TestAsync("Enable", ByokCredentialSettings.AccessKeysType));
        var before = await customer.Browser.UntilAsync(state => (long)state["processed"]! > 0);

        await world.StopHostAsync();
        await world.StartHostAsync();
        var after = await (await world.SignInAsync("acme")).UntilAsync(_ => true);
        await world.StopHostAsync();
        await world.StartHostAsync("--Moves:MaxItemsPerSecond", "100000");

        var browser = await world.SignInAsync("acme");
        await browser.UntilAsync(state => (long)state["version"]! == 3);
        Assert.That((long)after["processed"]!, Is.GreaterThanOrEqualTo((long)before["processed"]!));
        Assert.That(await ValuesAsync(browser), Is.EqualTo(Values(Variables)));
    }

    [Test]
    [Category("Slow")]
    public async Task A_move_pauses_while_a_key_is_denied_and_goes_on_afterwards()
    {
        const int Few = 30;
        await using var world = await WebHostWorld.StartAsync(
            "--Byok:ConfirmationInterval", "00:00:01", "--Moves:MaxRetryDelay", "00:00:01");
        var customer = await Customer.SignInAsync(world);
        await AddAsync(customer.Browser, Few);
        await customer.MoveAsync("Enable");
        var old = customer.Key;
        world.Services.GetRequiredService<MoveOptions>().MaxItemsPerSecond = 20; // some seconds, in which the key is disabled
        await customer.ActivateAsync("ChangeKey", await customer.TestAsync("ChangeKey", ByokCredentialSettings.AccessKeysType));

        old.Disable();
        var paused = await customer.Browser.UntilAsync(state => ((string)state["text"]!).Contains("Paused", StringComparison.Ordinal));
        world.Services.GetRequiredService<MoveOptions>().MaxItemsPerSecond = null;
        old.Enable();
        await customer.Browser.UntilAsync(state => (long)state["version"]! == 5);

        Assert.That((string)paused["text"]!, Does.Contain(old.Arn).And.Contain("Enable the key in AWS KMS."));
        Assert.That(await ValuesAsync(customer.Browser), Is.EqualTo(Values(Few)));
    }

    [Test]
    [Category("Slow")]
    public async Task A_host_that_is_killed_at_any_moment_finishes_all_changes_without_a_lost_value()
    {
        await using var world = await WebHostWorld.StartAsync(Slowly);
        var customers = new Dictionary<string, Customer>();
        foreach (var tenant in DemoAccounts.All.Keys)
        {
            customers[tenant] = await Customer.SignInAsync(world, tenant, DemoAccounts.AwsAccountOf(tenant));
            await AddAsync(customers[tenant].Browser, Variables);
        }

        var dice = new Random(20);
        var interruptions = 0;
        string[] changes = ["Enable", "ChangeKey", "Return"];
        for (var round = 0; interruptions < Interruptions; round++)
        {
            // The host of the test makes the change for all customers. Processes that are killed move their data.
            var change = changes[round % changes.Length];
            var settled = (await world.ReadAccountAsync("acme")).Version + 2;
            foreach (var customer in customers.Values)
            {
                await ChangeAsync(customer, change);
            }

            await world.StopHostAsync();
            while (interruptions < Interruptions && await CountMovesAsync(world) > 0)
            {
                using var process = new HostProcess(world.Arguments);
                await process.UntilListeningAsync();
                await process.WaitAsync(TimeSpan.FromMilliseconds(dice.Next(2000)));
                process.Kill();
                interruptions += await CountMovesAsync(world);
            }

            await world.StartHostAsync("--Moves:MaxItemsPerSecond", "100000");
            foreach (var (tenant, customer) in customers)
            {
                await customer.SignInAgainAsync();
                await customer.Browser.UntilAsync(state => (long)state["version"]! == settled);
                Assert.That(await ValuesAsync(customer.Browser), Is.EqualTo(Values(Variables)), tenant);
                var inUse = change == "Return" ? world.Cloud.Configuration["Platform:KeyArn"] : customer.Key.Arn;
                Assert.That(await ReadableKeysAsync(world, tenant), Is.EqualTo((string?[])[inUse]), tenant);
            }
        }

        Assert.That(interruptions, Is.GreaterThanOrEqualTo(Interruptions));
    }

    private static async Task ChangeAsync(Customer customer, string change)
    {
        if (change == "Return")
        {
            var shown = await customer.Browser.GetAsync("/Encryption");
            await customer.Browser.PostAsync("/Encryption", "/Encryption?handler=Return", ("version", shown.ValueOf("version")));
        }
        else
        {
            await customer.ActivateAsync(change, await customer.TestAsync(change, ByokCredentialSettings.AccessKeysType));
        }
    }

    private static async Task<int> CountMovesAsync(WebHostWorld world)
    {
        var count = 0;
        foreach (var tenant in DemoAccounts.All.Keys)
        {
            count += (await world.ReadAccountAsync(tenant)).Phase.IsMove() ? 1 : 0;
        }

        return count;
    }

    private static async Task<IEnumerable<string?>> ReadableKeysAsync(WebHostWorld world, string tenant) =>
        (await world.ReadDataKeysAsync(tenant))
            .SelectMany(key => ByokMessage.Read(key).EncryptedDataKeys.Select(one => one.KeyArn?.ToString()));

    private static async Task AddAsync(Browser browser, int count) => await browser.PostJsonAsync("/api/variables", new JsonArray(
        [.. Enumerable.Range(0, count).Select(number => (JsonNode)new JsonObject
        {
            ["workspace"] = "w", ["name"] = $"name-{number}", ["value"] = $"value-{number}",
        })]));

    private static IEnumerable<string> Values(int count) =>
        Enumerable.Range(0, count).Select(number => $"value-{number}").Order(StringComparer.Ordinal);

    private static async Task<IEnumerable<string>> ValuesAsync(Browser browser) =>
        (await browser.GetAsync("/api/variables")).Json.AsArray().Select(one => (string)one!["value"]!).Order(StringComparer.Ordinal);
}
