using System.Collections.Concurrent;
using Microsoft.Playwright;
using WebHost.Accounts;
using WebHost.Demo;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A tab of a real browser, in which a customer uses the sample's host.</summary>
internal sealed class Tab : IAsyncDisposable
{
    private const int MostPresses = 100;

    private readonly ConcurrentQueue<string> _errors = new();
    private readonly bool _ownsBrowser;

    private Tab(Uri address, IPage page, bool ownsBrowser)
    {
        (Address, Page, _ownsBrowser) = (address, page, ownsBrowser);
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal))
            {
                _errors.Enqueue(message.Text);
            }
        };
        page.Dialog += async (_, dialog) =>
        {
            _errors.Enqueue($"A script has opened a dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
    }

    public Uri Address { get; }

    public IPage Page { get; }

    /// <summary>Errors of scripts, dialogs, and what the content security policy has blocked.</summary>
    public IEnumerable<string> Errors => _errors;

    /// <summary>Signs in, in a browser of its own.</summary>
    public static async Task<Tab> SignInAsync(WebHostWorld world, string tenant = "acme", BrowserNewContextOptions? options = null)
    {
        var context = await Chromium.OpenAsync(options);
        var tab = new Tab(world.Address, await context.NewPageAsync(), ownsBrowser: true);
        if (DemoAccounts.All.ContainsKey(tenant) || tenant == "operator")
        {
            await tab.GoAsync("/");
            await tab.ClickAsync($"#sign-in-{tenant}");
        }
        else
        {
            var (name, value) = world.CookieOf(tenant);
            await context.AddCookiesAsync([new() { Name = name, Value = value, Url = world.Address.ToString() }]);
            await tab.GoAsync("/Variables");
        }

        // An element of the next page: Playwright can miss that the page has loaded, if that happens before it waits for it.
        await tab.UntilTextAsync("h1", tenant == "operator" ? "Operator" : "Variables");
        return tab;
    }

    /// <summary>Opens another tab of the same browser.</summary>
    public async Task<Tab> OpenAnotherAsync(string path)
    {
        var tab = new Tab(Address, await Page.Context.NewPageAsync(), ownsBrowser: false);
        await tab.GoAsync(path);
        return tab;
    }

    /// <returns>The status of the answer.</returns>
    public async Task<int> GoAsync(string path) => (await Page.GotoAsync(new Uri(Address, path).ToString()))!.Status;

    public Task ClickAsync(string selector) => Page.Locator(selector).ClickAsync();

    public Task FillAsync(string selector, string text) => Page.Locator(selector).FillAsync(text);

    public Task<string> TextAsync(string selector) => Page.Locator(selector).InnerTextAsync();

    /// <summary>Waits for an element that is visible.</summary>
    public Task UntilAsync(string selector) => Page.Locator(selector).First.WaitForAsync();

    public Task UntilTextAsync(string selector, string text) =>
        Page.Locator(selector, new() { HasText = text }).First.WaitForAsync();

    /// <summary>Loads a page again and again until it has an element. Fails after a minute without it.</summary>
    public async Task ReloadUntilAsync(string path, string selector)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (await GoAsync(path) is var _ && await Page.Locator(selector).CountAsync() == 0)
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }
    }

    /// <summary>Waits until the open page Encryption shows a phase.</summary>
    public Task UntilPhaseAsync(AccountPhase phase) => UntilAsync($"#state[data-phase={phase}]");

    public async Task AddVariableAsync(string name, string value, bool isSensitive = true)
    {
        if (new Uri(Page.Url).AbsolutePath != "/Variables")
        {
            await GoAsync("/Variables");
        }

        await FillAsync("#add-name", name);
        await FillAsync("#add-value", value);
        await Page.Locator("#add-sensitive").SetCheckedAsync(isSensitive);
        await ClickAsync("#add-button");
        await UntilTextAsync("#variables .name", name);
    }

    /// <summary>Reveals the value of a variable.</summary>
    public async Task<string> RevealAsync(string name)
    {
        await GoAsync("/Variables");
        await Page.GetByLabel($"Reveal {name}", new() { Exact = true }).ClickAsync();
        return await ValueAsync(name);
    }

    /// <summary>The value that the page Variables shows.</summary>
    public Task<string> ValueAsync(string name) =>
        Page.Locator("#variables tr", new() { HasText = name }).Locator(".value code").InnerTextAsync();

    /// <summary>Creates a KMS key in the console.</summary>
    /// <returns>Its ARN.</returns>
    public async Task<string> CreateKeyAsync()
    {
        await using var console = await OpenAnotherAsync("/Console");
        await console.ClickAsync("#create-key");
        return await console.Page.Locator("section:has(#create-key) .item .arn").Last.InnerTextAsync();
    }

    /// <summary>Chooses a credentials type, gives the key, and lets the page show what to do in AWS.</summary>
    public async Task ShowInstructionsAsync(string type, string keyArn)
    {
        await ClickAsync($"#type-{type}");
        await UntilAsync($"#type-{type}[aria-current]");
        await FillAsync("#policy-key-arn", keyArn);
        await ClickAsync("#fill-in");
        await UntilAsync("#instructions");
    }

    /// <summary>Does in the console what the page says, and types the result into the page.</summary>
    public async Task FollowInstructionsAsync(string type)
    {
        await using var console = await OpenAnotherAsync("/Console");
        if (type == ByokCredentialSettings.AccessKeysType)
        {
            await console.FillAsync("#user-policy", await TextAsync("#policy-permissions"));
            await console.ClickAsync("#create-user");
            await FillAsync("#access-key-id", await console.TextAsync("#new-access-key-id"));
            await FillAsync("#secret-access-key", await console.TextAsync("#new-secret-access-key"));
            return;
        }

        if (type == ByokCredentialSettings.OidcType)
        {
            await console.FillAsync("#provider-url", await TextAsync("#provider-url"));
            await console.FillAsync("#provider-audience", await TextAsync("#provider-audience"));
            await console.ClickAsync("#add-provider");
        }

        await console.FillAsync("#role-trust", await TextAsync("#policy-trust"));
        await console.FillAsync("#role-policy", await TextAsync("#policy-permissions"));
        await console.ClickAsync("#create-role");
        await FillAsync("#role-arn", await console.Page.Locator("section:has(#create-role) .item .arn").Last.InnerTextAsync());
    }

    /// <summary>Presses Test connection and waits for the result.</summary>
    /// <returns>The sentence below the steps.</returns>
    public async Task<string> TestAsync()
    {
        await ClickAsync("#test-connection");
        await UntilTextAsync("#test-result", "The connection");
        return await TextAsync("#test-result");
    }

    /// <summary>Moves the focus with the Tab key. The page must show where the focus is.</summary>
    public async Task TabToAsync(string selector)
    {
        for (var presses = 0; await Page.Locator($"{selector}:focus-visible").CountAsync() == 0; presses++)
        {
            Assert.That(presses, Is.LessThan(MostPresses), $"{selector} cannot be reached");
            await Page.Keyboard.PressAsync("Tab");
        }
    }

    /// <summary>Moves the focus to a button or link with the Tab key, and presses Enter.</summary>
    public async Task PressAsync(string selector)
    {
        await TabToAsync(selector);
        await Page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Moves the focus to a field with the Tab key, and types.</summary>
    public async Task TypeAsync(string selector, string text)
    {
        await TabToAsync(selector);
        await Page.Keyboard.TypeAsync(text);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ownsBrowser)
        {
            await Page.Context.DisposeAsync();
        }
        else
        {
            await Page.CloseAsync();
        }
    }
}
