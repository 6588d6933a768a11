using System.Text.Json.Nodes;
using WebHost.Accounts;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The sample's host is stopped, killed and denied a key while data moves.</summary>
[Property("Order", 1)] // the longest of the folder
internal sealed class WebHostRestartTests
{
    private const int Variables = 300;
    private const int Kills = 20;

    private static readonly string[] Values = [.. Enumerable.Range(0, Variables).Select(number => $"value-{number}")];

    private static readonly string[] Slowly = ["--Moves:MaxItemsPerSecond", "400", "--Moves:BatchSize", "20"];

    // Slow enough that a test can do something while the data moves.
    private static readonly string[] Steadily = ["--Moves:MaxItemsPerSecond", "120", "--Moves:BatchSize", "20"];

    [Test]
    [Category("Slow")]
    public async Task A_move_goes_on_where_a_stopped_host_has_left_it()
    {
        await using var world = await WebHostWorld.StartAsync(Steadily);
        var customer = await Customer.SignInAsync(world);
        await AddAsync(customer.Browser);
        await customer.ActivateAsync("Enable", await customer.TestAsync("Enable", ByokCredentialSettings.AccessKeysType));
        var before = await customer.Browser.UntilAsync(state => (long)state["processed"]! > 0);

        await world.StopHostAsync();
        await world.StartHostAsync();

        var browser = await world.SignInAsync("acme");
        var after = await browser.UntilAsync(_ => true);
        Assert.That((long)after["processed"]!, Is.GreaterThanOrEqualTo((long)before["processed"]!));
        await browser.UntilAsync(state => (long)state["version"]! == 3);
        Assert.That(await ValuesAsync(browser), Is.EquivalentTo(Values));
    }

    [Test]
    [Category("Slow")]
    public async Task A_move_pauses_while_a_key_is_denied_and_goes_on_afterwards()
    {
        await using var world = await WebHostWorld.StartAsync([.. Steadily, "--Byok:ConfirmationInterval", "00:00:01"]);
        var customer = await Customer.SignInAsync(world);
        await AddAsync(customer.Browser);
        await customer.MoveAsync("Enable");
        var old = customer.Key;
        await customer.ActivateAsync("ChangeKey", await customer.TestAsync("ChangeKey", ByokCredentialSettings.AccessKeysType));

        old.Disable();
        var paused = await customer.Browser.UntilAsync(state => ((string)state["text"]!).Contains("Paused", StringComparison.Ordinal));
        old.Enable();
        await customer.Browser.UntilAsync(state => (long)state["version"]! == 5);

        Assert.That((string)paused["text"]!, Does.Contain(old.Arn).And.Contain("Enable the key in AWS KMS."));
        Assert.That(await ValuesAsync(customer.Browser), Is.EquivalentTo(Values));
    }

    [Test]
    [Category("Slow")]
    public async Task A_host_that_is_killed_at_any_moment_finishes_all_changes_without_a_lost_value()
    {
        await using var world = await WebHostWorld.StartAsync(Slowly);
        var customer = await Customer.SignInAsync(world);
        await AddAsync(customer.Browser);
        var dice = new Random(20);
        var kills = 0;
        string[] changes = ["Enable", "ChangeKey", "Return"];
        for (var round = 0; kills < Kills; round++)
        {
            // The host of the test makes the change. Processes that are killed move the data.
            var change = changes[round % changes.Length];
            var settled = (await world.Accounts.GetAsync("acme")).Version + 2;
            var tested = change == "Return" ? null : await customer.TestAsync(change, ByokCredentialSettings.AccessKeysType);
            await (tested is null ? ReturnAsync(customer.Browser) : customer.ActivateAsync(change, tested));
            await world.StopHostAsync();
            while (kills < Kills && (await PhaseAsync(world)).IsMove())
            {
                using var process = new HostProcess(world.Arguments);
                await process.WaitAsync(TimeSpan.FromMilliseconds(dice.Next(1000, 3000)));
                process.Kill();
                kills++;
            }

            await world.StartHostAsync();
            customer = await customer.SignInAgainAsync("acme");
            await customer.Browser.UntilAsync(state => (long)state["version"]! == settled);
            Assert.That(await ValuesAsync(customer.Browser), Is.EquivalentTo(Values));
            var inUse = change == "Return" ? null : customer.Key.Arn;
            Assert.That(await ReadableKeysAsync(world), Is.EqualTo((string[])[inUse ?? world.Cloud.Configuration["Platform:KeyArn"]!]));
        }

        Assert.That(kills, Is.EqualTo(Kills));
    }

    private static async Task<AccountPhase> PhaseAsync(WebHostWorld world) => (await world.ReadAccountAsync("acme")).Phase;

    private static async Task ReturnAsync(Browser browser)
    {
        var shown = await browser.GetAsync("/Encryption");
        await browser.PostAsync("/Encryption", "/Encryption?handler=Return", ("version", shown.ValueOf("version")));
    }

    private static async Task<IEnumerable<string?>> ReadableKeysAsync(WebHostWorld world) =>
        (await world.ReadDataKeysAsync("acme"))
            .SelectMany(key => ByokMessage.Read(key).EncryptedDataKeys.Select(one => one.KeyArn?.ToString()));

    private static async Task AddAsync(Browser browser) => await browser.PostJsonAsync("/api/variables", new JsonArray(
        [.. Enumerable.Range(0, Variables).Select(number => (JsonNode)new JsonObject
        {
            ["workspace"] = "w", ["name"] = $"name-{number}", ["value"] = Values[number],
        })]));

    private static async Task<List<string>> ValuesAsync(Browser browser) =>
        [.. (await browser.GetAsync("/api/variables")).Json.AsArray().Select(one => (string)one!["value"]!)];
}
