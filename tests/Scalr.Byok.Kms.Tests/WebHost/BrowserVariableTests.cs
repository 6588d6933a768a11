namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A customer decides which variables are sensitive, in a real browser.</summary>
[Category("Slow")]
internal sealed class BrowserVariableTests
{
    private const string Script = "<script>alert('script')</script><img src=x onerror=alert('image')>";

    [Test]
    public async Task A_customer_decides_whether_a_variable_is_sensitive()
    {
        await using var world = await WebHostWorld.StartAsync();
        await using var tab = await Tab.SignInAsync(world, options: new() { BypassCSP = true }); // the policy would block what is not text
        var (before, box) = (await TypeAsync(tab, "#add-value"), tab.Page.Locator("#add-sensitive"));
        var isChecked = await box.IsCheckedAsync();
        await box.UncheckAsync();
        var afterwards = await TypeAsync(tab, "#add-value");

        await tab.AddVariableAsync("open", Script, isSensitive: false);
        var open = await tab.ValueAsync("open");
        await ChangeAsync(tab, "open", isSensitive: true);
        var masked = await tab.TextAsync("#variables .value");
        var kept = await tab.RevealAsync("open");
        await ChangeAsync(tab, "open", isSensitive: false);

        Assert.That((isChecked, before, afterwards), Is.EqualTo((true, "password", "text")));
        Assert.That((open, kept, await tab.ValueAsync("open")), Is.EqualTo((Script, Script, Script)));
        Assert.That(masked, Is.EqualTo("••••••••"));
        Assert.That(await tab.Page.Locator("main img, main script").CountAsync(), Is.Zero);
        Assert.That(tab.Errors, Is.Empty);
    }

    private static Task<string?> TypeAsync(Tab tab, string selector) => tab.Page.Locator(selector).GetAttributeAsync("type");

    private static async Task ChangeAsync(Tab tab, string name, bool isSensitive)
    {
        await tab.Page.GetByLabel($"Change {name}", new() { Exact = true }).ClickAsync();
        await tab.Page.Locator("#sensitive").SetCheckedAsync(isSensitive);
        await tab.ClickAsync("#save");
        await tab.UntilTextAsync("#variables .sensitive", isSensitive ? "yes" : "no");
    }
}
