using System.Globalization;
using Microsoft.Playwright;
using WebHost.Accounts;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A customer's data moves between keys, and the customer watches in a real browser.</summary>
[Category("Slow")]
internal sealed class BrowserMoveTests
{
    private const int Variables = 2_000;

    [Test]
    public async Task Thousands_of_variables_move_with_progress_through_a_stop_and_a_kill()
    {
        // Slow until the kill, which thus is in the middle.
        string[] slowly = ["--Moves:MaxItemsPerSecond", "400"];
        await using var world = await WebHostWorld.StartAsync(slowly);
        await world.AddVariablesAsync("acme", Variables);
        await using var tab = await Tab.SignInAsync(world);
        var keyArn = await tab.CreateKeyAsync();
        await tab.GoAsync("/Encryption/Setup?purpose=Enable");
        await tab.ShowInstructionsAsync(ByokCredentialSettings.AccessKeysType, keyArn);
        await tab.FollowInstructionsAsync(ByokCredentialSettings.AccessKeysType);
        await tab.TestAsync();
        await tab.ClickAsync("#activate");

        await tab.UntilPhaseAsync(AccountPhase.MovingToCustomerKey);
        await tab.UntilAsync("#move-text:has-text('per second, about')");
        var (first, address) = (await ProgressAsync(tab), world.Address);
        await world.StopHostAsync();
        using (var killed = await world.StartProcessAsync(address, slowly))
        {
            await tab.Page.WaitForFunctionAsync("before => document.getElementById('move-progress').value > before", first.Value);
            killed.Kill();
        }

        var (second, phase) = (await ProgressAsync(tab), (await world.ReadAccountAsync("acme")).Phase);
        await world.StartHostAsync(address, "--Moves:MaxItemsPerSecond", "1000000");
        await tab.UntilPhaseAsync(AccountPhase.CustomerKey); // the open page has connected to each new host by itself

        var values = (await world.ReadVariablesAsync("acme")).ToDictionary(row => row.Name, row => row.Value);
        Assert.That(first.Maximum, Is.EqualTo(2 * Variables), "names and values");
        Assert.That(first.Value, Is.Positive);
        Assert.That(second.Value, Is.InRange(first.Value + 1, second.Maximum - 1));
        Assert.That(phase, Is.EqualTo(AccountPhase.MovingToCustomerKey), "the kill was in the middle");
        Assert.That(values, Has.Count.EqualTo(Variables));
        Assert.That(values.All(pair => pair.Value == pair.Key.Replace("name-", "value-", StringComparison.Ordinal)), Is.True);
        Assert.That(tab.Errors, Is.Empty);
    }

    [Test]
    public async Task A_customer_changes_the_key_and_returns_to_the_platform_key()
    {
        await using var world = await WebHostWorld.StartAsync();
        var customer = await Customer.SignInAsync(world);
        await customer.MoveAsync("Enable");
        await using var tab = await Tab.SignInAsync(world);
        await tab.AddVariableAsync("password", "secret-1");

        var newKey = await tab.CreateKeyAsync();
        await tab.GoAsync("/Encryption");
        await tab.ClickAsync("#change-key");
        await tab.ShowInstructionsAsync(ByokCredentialSettings.AssumeRoleType, newKey);
        await tab.FollowInstructionsAsync(ByokCredentialSettings.AssumeRoleType);
        await tab.TestAsync();
        await tab.ClickAsync("#activate");
        await tab.UntilPhaseAsync(AccountPhase.CustomerKey);
        var shownKey = await tab.TextAsync("#key-arn");
        customer.Key.Disable();
        var underNewKey = await tab.RevealAsync("password");

        await tab.GoAsync("/Encryption");
        await tab.ClickAsync("#return");
        await tab.UntilPhaseAsync(AccountPhase.PlatformKey);
        world.Aws.FindKey(newKey)!.Disable();
        var underPlatformKey = await tab.RevealAsync("password");

        Assert.That(shownKey, Is.EqualTo(newKey));
        Assert.That((underNewKey, underPlatformKey), Is.EqualTo(("secret-1", "secret-1")));
        Assert.That(tab.Errors, Is.Empty);
    }

    [Test]
    public async Task A_revoked_key_stops_this_customer_alone_until_the_key_is_enabled_again()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var world = await WebHostWorld.StartAsync(
            "--Byok:KeyEvents:HoldTime", "00:00:00", "--Byok:ConfirmationInterval", "00:00:01");
        var customer = await Customer.SignInAsync(world);
        await customer.MoveAsync("Enable");
        await using var acme = await Tab.SignInAsync(world);
        await acme.AddVariableAsync("password", "secret-1");
        await using var globex = await Tab.SignInAsync(world, "globex");
        await globex.AddVariableAsync("other", "secret-2");
        await acme.GoAsync("/Encryption");
        await acme.FillAsync("#webhook-url", receiver.Address);
        await acme.ClickAsync("#webhook-save");
        var secret = await acme.TextAsync("#webhook-secret");

        customer.Key.Disable();
        var page = await acme.GoAsync("/Variables");
        var (who, remedy) = (await acme.TextAsync("#problem-who"), await acme.TextAsync("#problem-remedy"));
        var api = await acme.Page.Context.APIRequest.GetAsync(new Uri(world.Address, "/api/variables").ToString());
        var problem = (await api.JsonAsync())!.Value;
        var message = await receiver.ReadAsync();
        await acme.ClickAsync("text=Open the encryption settings");
        await acme.UntilTextAsync("#next-step", "Enable the key in AWS KMS.");
        await acme.UntilTextAsync("#events li[data-kind=Denied]", "Enable the key in AWS KMS.");
        await acme.GoAsync("/Files");
        await acme.UntilTextAsync("#key-banner", "Enable the key in AWS KMS.");
        var health = await globex.GoAsync("/health");
        var healthText = await globex.TextAsync("body");
        var otherValue = await globex.RevealAsync("other");
        var otherBanners = await globex.Page.Locator("#key-banner").CountAsync();

        Assert.That((page, who, remedy), Is.EqualTo((409, "An administrator of your AWS account", "Enable the key in AWS KMS.")));
        Assert.That(
            (api.Status, api.Headers["content-type"], problem.GetProperty("reason").GetString()),
            Is.EqualTo((409, "application/problem+json", nameof(ByokKeyUnavailableReason.KeyDisabled))));
        Assert.That(message.IsSignedWith(secret), Is.True);
        Assert.That((string?)message.Json["type"], Is.EqualTo("key.denied"));
        Assert.That((health, healthText), Is.EqualTo((200, "Degraded")), "an orchestrator does not restart the host");
        Assert.That((otherValue, otherBanners), Is.EqualTo(("secret-2", 0)));

        customer.Key.Enable();
        await acme.ReloadUntilAsync("/Variables", "#variables");
        var restored = await receiver.ReadAsync();
        await acme.ReloadUntilAsync("/Files", "main:not(:has(#key-banner))");

        Assert.That(await acme.RevealAsync("password"), Is.EqualTo("secret-1"));
        Assert.That((string?)restored.Json["type"], Is.EqualTo("key.restored"));
        Assert.That(restored.IsSignedWith(secret), Is.True);
        Assert.That(acme.Errors.Concat(globex.Errors), Is.Empty);
    }

    private static async Task<(long Value, long Maximum)> ProgressAsync(Tab tab)
    {
        var bar = tab.Page.Locator("#move-progress");
        return (await NumberAsync(bar, "value"), await NumberAsync(bar, "max"));
    }

    private static async Task<long> NumberAsync(ILocator element, string attribute) =>
        long.Parse((await element.GetAttributeAsync(attribute))!, CultureInfo.InvariantCulture);
}
