using Microsoft.Playwright;
using WebHost.Accounts;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The main pages of the sample's host, reviewed in a real browser. Screenshots are in artifacts/screenshots.</summary>
[Category("Slow")]
internal sealed class BrowserLayoutTests
{
    private const string Script = "<script>alert('script')</script><img src=x onerror=alert('image')>";

    private static readonly BrowserNewContextOptions Reviewed = new() { BypassCSP = true };

    [Test]
    public async Task Every_page_is_readable_wide_and_narrow_light_and_dark()
    {
        var problems = new List<string>();
        await using var world = await WebHostWorld.StartAsync(
            "--Moves:MaxItemsPerSecond", "10", "--Moves:BatchSize", "10", "--Byok:KeyEvents:HoldTime", "00:00:00");
        await using var visitor = await Chromium.OpenAsync(Reviewed);
        var page = await visitor.NewPageAsync();
        await page.GotoAsync(new Uri(world.Address, "/SignIn").ToString());
        await ReviewAsync(page, "sign-in");

        await using var tab = await Tab.SignInAsync(world, options: Reviewed);
        page = tab.Page;
        await ReviewAsync(page, "variables-empty");
        await world.AddVariablesAsync("acme", 12);
        await tab.AddVariableAsync("a-name-" + new string('x', 190), "value");
        await tab.AddVariableAsync("region", "eu-central-1, " + string.Concat(Enumerable.Repeat("a long value ", 10)), isSensitive: false);
        await ReviewAsync(page, "variables");
        await page.GetByLabel("Change region").ClickAsync();
        await tab.UntilTextAsync("h1", "Change variable");
        await ReviewAsync(page, "variable-not-sensitive");
        await tab.GoAsync("/Variables");
        await page.GetByLabel("Change name-0", new() { Exact = true }).ClickAsync();
        await tab.UntilTextAsync("h1", "Change variable");
        await ReviewAsync(page, "variable-sensitive");
        await tab.GoAsync("/Files");
        await ReviewAsync(page, "files-empty");
        await page.Locator("#upload-file").SetInputFilesAsync(new FilePayload
        {
            Name = "plan-" + new string('x', 100) + ".bin",
            MimeType = "application/octet-stream",
            Buffer = new byte[12_345],
        });
        await tab.ClickAsync("#upload-button");
        await tab.UntilAsync("#files");
        await ReviewAsync(page, "files");
        await tab.GoAsync("/Encryption");
        await ReviewAsync(page, "encryption-platform-key");

        var keyArn = await tab.CreateKeyAsync();
        await tab.ClickAsync("#enable");
        await ReviewAsync(page, "enable");
        foreach (var type in (string[])[
            ByokCredentialSettings.OidcType, ByokCredentialSettings.AccessKeysType, ByokCredentialSettings.AssumeRoleType])
        {
            await tab.GoAsync("/Encryption/Setup?purpose=Enable");
            await tab.ShowInstructionsAsync(type, keyArn);
            await ReviewAsync(page, $"enable-{type}");
        }

        await tab.FillAsync("#role-arn", "arn:aws:iam::111122223333:role/there-is-no-such-role");
        await tab.TestAsync();
        await ReviewAsync(page, "test-failed");
        await tab.FollowInstructionsAsync(ByokCredentialSettings.AssumeRoleType);
        await tab.TestAsync();
        await ReviewAsync(page, "test-passed");
        await tab.GoAsync("/Console");
        await ReviewAsync(page, "console");

        await tab.GoAsync("/Encryption/Setup?purpose=Enable");
        await tab.ShowInstructionsAsync(ByokCredentialSettings.AssumeRoleType, keyArn);
        await tab.FollowInstructionsAsync(ByokCredentialSettings.AssumeRoleType);
        await tab.TestAsync();
        await tab.ClickAsync("#activate");
        await tab.UntilAsync("#move-text:has-text('per second')");
        await ReviewAsync(page, "encryption-moving");
        await tab.UntilPhaseAsync(AccountPhase.CustomerKey);
        await tab.FillAsync("#webhook-url", "https://example.com/webhooks/keys");
        await tab.ClickAsync("#webhook-save");
        await tab.UntilAsync("#webhook-secret");
        await ReviewAsync(page, "encryption-customer-key");

        var key = world.Aws.FindKey(keyArn)!;
        key.ScheduleDeletion(7);
        await tab.GoAsync("/Variables");
        await ReviewAsync(page, "unavailable");
        await tab.ReloadUntilAsync("/Encryption", "#events li[data-kind=Denied]");
        await ReviewAsync(page, "encryption-revoked");
        await tab.GoAsync("/Files");
        await ReviewAsync(page, "files-revoked");
        key.CancelDeletion();
        key.Enable();

        await tab.GoAsync("/Encryption");
        await tab.FillAsync("#delete-confirmation", "delete");
        await tab.ClickAsync("#delete-data-key");
        await tab.UntilPhaseAsync(AccountPhase.DataKeyDeleted);
        await ReviewAsync(page, "encryption-deleted");
        await using var operatorTab = await Tab.SignInAsync(world, "operator", Reviewed);
        await ReviewAsync(operatorTab.Page, "operator");

        Assert.That(problems, Is.Empty);

        async Task ReviewAsync(IPage shown, string name) => problems.AddRange(await PageReview.OfAsync(shown, name));
    }

    [Test]
    public async Task A_script_in_a_name_is_text()
    {
        await using var world = await WebHostWorld.StartAsync();
        await using var tab = await Tab.SignInAsync(world, options: Reviewed); // the policy would block what is not text
        await tab.AddVariableAsync(Script, Script);
        await tab.GoAsync("/Variables");
        await tab.Page.Locator("#variables [value]").First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        await tab.Page.GetByText("Reveal", new() { Exact = true }).ClickAsync();

        Assert.That(await tab.TextAsync("#variables .value code"), Is.EqualTo(Script));
        Assert.That(await tab.TextAsync("#variables .name"), Is.EqualTo(Script));
        Assert.That(await tab.Page.Locator("main img, main script").CountAsync(), Is.Zero);
        Assert.That(tab.Errors, Is.Empty);
    }

    [Test]
    public async Task All_of_enabling_a_key_fits_360_pixels()
    {
        await using var world = await WebHostWorld.StartAsync();
        var phone = new BrowserNewContextOptions { ViewportSize = new() { Width = 360, Height = 640 }, HasTouch = true };
        await using var tab = await Tab.SignInAsync(world, options: phone);
        await tab.AddVariableAsync("password", "secret-1");
        var keyArn = await tab.CreateKeyAsync();
        await tab.GoAsync("/Encryption");
        await tab.Page.Locator("#enable").TapAsync();
        await tab.ShowInstructionsAsync(ByokCredentialSettings.AccessKeysType, keyArn);
        await tab.FollowInstructionsAsync(ByokCredentialSettings.AccessKeysType);
        await tab.Page.Locator("#test-connection").TapAsync();
        await tab.UntilTextAsync("#test-result", "The connection works.");
        await tab.Page.Locator("#activate").TapAsync();
        await tab.UntilPhaseAsync(AccountPhase.CustomerKey);

        Assert.That(await tab.RevealAsync("password"), Is.EqualTo("secret-1"));
        Assert.That(tab.Errors, Is.Empty);
    }
}
