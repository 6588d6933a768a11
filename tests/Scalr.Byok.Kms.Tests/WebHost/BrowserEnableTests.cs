using System.Collections.Concurrent;
using WebHost.Accounts;
using WebHost.Demo;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A customer gives the sample's host a key, in a real browser. One host serves all tests, each of which has an account.</summary>
[Category("Slow")]
internal sealed class BrowserEnableTests
{
    private WebHostWorld _world = null!;
    private Customer _customer = null!;
    private Tab _tab = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [SetUp]
    public async Task SignInAsync()
    {
        _customer = await Customer.AddAsync(_world);
        _tab = await Tab.SignInAsync(_world, _customer.Tenant);
    }

    [TearDown]
    public async Task LeaveAsync()
    {
        await _tab.DisposeAsync();
        Assert.That(_tab.Errors, Is.Empty);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(ByokCredentialSettings.AccessKeysType)]
    [TestCase(ByokCredentialSettings.AssumeRoleType)]
    [TestCase(ByokCredentialSettings.OidcType)]
    public async Task A_customer_enables_a_key_with_the_instructions_of_the_page_alone(string type)
    {
        await _tab.AddVariableAsync("password", "secret-1");
        var keyArn = await _tab.CreateKeyAsync();
        await _tab.GoAsync("/Encryption");
        await _tab.ClickAsync("#enable");

        await _tab.ShowInstructionsAsync(type, keyArn);
        await _tab.FollowInstructionsAsync(type);
        var result = await _tab.TestAsync();
        var failed = await _tab.Page.Locator("#steps li:not([data-outcome=Passed]):not([data-outcome=Skipped])").AllInnerTextsAsync();
        await _tab.ClickAsync("#activate");
        await _tab.UntilPhaseAsync(AccountPhase.CustomerKey);

        Assert.That(result, Is.EqualTo("The connection works. Nothing has changed yet."));
        Assert.That(failed, Is.Empty);
        Assert.That(await _tab.TextAsync("#key-arn"), Is.EqualTo(keyArn));
        Assert.That(await _tab.RevealAsync("password"), Is.EqualTo("secret-1"));
        _world.Aws.FindKey(keyArn)!.Disable();
        Assert.That(await _tab.GoAsync("/Variables"), Is.EqualTo(409), "the data is under the customer's key");
    }

    [Test]
    public async Task A_mistyped_external_ID_is_corrected_by_the_remedy()
    {
        await _tab.GoAsync("/Encryption/Setup?purpose=Enable");
        await _tab.ShowInstructionsAsync(ByokCredentialSettings.AssumeRoleType, await _tab.CreateKeyAsync());
        var externalId = await _tab.TextAsync("#external-id");
        var trust = await _tab.TextAsync("#policy-trust");
        Assert.That(trust, Does.Contain(externalId));
        var role = _world.Aws.Account(DemoAccounts.AwsAccountOf(_customer.Tenant)).CreateRole(
            "byok", trust.Replace(externalId, "mistyped", StringComparison.Ordinal), await _tab.TextAsync("#policy-permissions"));
        await _tab.FillAsync("#role-arn", role.Arn);

        var before = await _tab.TestAsync();
        var step = _tab.Page.Locator("#steps li[data-outcome=Failed]");
        var sentence = await step.InnerTextAsync();
        var isActivateOffered = await _tab.Page.Locator("#activate").IsVisibleAsync();
        role.TrustPolicy = await step.Locator("pre").InnerTextAsync();
        var after = await _tab.TestAsync();

        Assert.That(before, Does.StartWith("The connection does not work yet."));
        Assert.That(sentence, Does.Contain("external ID").IgnoreCase);
        Assert.That(isActivateOffered, Is.False);
        Assert.That(after, Does.StartWith("The connection works."));
        Assert.That(await _tab.Page.Locator("#activate").IsVisibleAsync(), Is.True);
    }

    [Test]
    public async Task A_test_waits_for_a_permission_that_arrives_late()
    {
        await _tab.GoAsync("/Encryption/Setup?purpose=Enable");
        await _tab.ShowInstructionsAsync(ByokCredentialSettings.AccessKeysType, await _tab.CreateKeyAsync());
        var user = _world.Aws.Account(DemoAccounts.AwsAccountOf(_customer.Tenant)).CreateUser("byok");
        var accessKey = user.CreateAccessKey();
        await _tab.FillAsync("#access-key-id", accessKey.AccessKeyId);
        await _tab.FillAsync("#secret-access-key", accessKey.SecretAccessKey);
        await _tab.Page.Locator("#wait").CheckAsync();

        await _tab.ClickAsync("#test-connection");
        await _tab.UntilTextAsync("#steps li[data-outcome=Waiting]", "attempt 2");
        user.Policy = await _tab.TextAsync("#policy-permissions"); // AWS has applied it some seconds after the test began
        await _tab.UntilTextAsync("#test-result", "The connection");

        Assert.That(await _tab.TextAsync("#test-result"), Does.StartWith("The connection works."));
        Assert.That(await _tab.Page.Locator("#steps li[data-outcome=Waiting]").CountAsync(), Is.Zero);
    }

    [Test]
    public async Task A_change_loads_the_page_again_and_sends_no_form_again()
    {
        await _tab.GoAsync("/Encryption");
        await _tab.FillAsync("#webhook-url", "https://example.com/");
        await _tab.ClickAsync("#webhook-save");
        await _tab.UntilAsync("#webhook-secret");
        var methods = new ConcurrentQueue<string>();
        _tab.Page.Request += (_, request) => methods.Enqueue(request.Method);

        await _world.Accounts.ChangeAsync(_customer.Tenant, 1, AccountAction.DeleteDataKey);
        await _tab.UntilPhaseAsync(AccountPhase.DataKeyDeleted);

        Assert.That(methods, Is.Not.Empty.And.None.EqualTo("POST"));
    }

    [Test]
    public async Task Of_two_tabs_that_press_at_once_one_wins_and_the_other_says_so()
    {
        await _customer.MoveAsync("Enable");
        await using var other = await _tab.OpenAnotherAsync("/Variables");
        Tab[] tabs = [_tab, other];
        foreach (var tab in tabs)
        {
            await tab.Page.RouteAsync("**/Encryption/Events", route => route.AbortAsync()); // neither tab knows of the other one
            await tab.GoAsync("/Encryption");
        }

        await Task.WhenAll(tabs.Select(tab => tab.ClickAsync("#return")));
        await Task.WhenAll(tabs.Select(tab => tab.UntilAsync("#state:not([data-version='3'])")));
        var notices = await Task.WhenAll(tabs.Select(tab => tab.Page.Locator("#notice").AllInnerTextsAsync()));
        await _tab.ReloadUntilAsync("/Encryption", $"#state[data-phase={AccountPhase.PlatformKey}]");

        Assert.That(notices.SelectMany(texts => texts), Has.Exactly(1).Contains("Nothing was changed by you."));
        Assert.That(await _tab.Page.Locator("#state").GetAttributeAsync("data-version"), Is.EqualTo("5"), "one change and its end");
    }

    [Test]
    public async Task A_customer_enables_a_key_with_the_keyboard_alone()
    {
        await _tab.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await _tab.GoAsync("/Console");
        await _tab.PressAsync("#create-key");
        var keyArn = await _tab.Page.Locator("section:has(#create-key) .item .arn").Last.InnerTextAsync();
        await _tab.GoAsync("/Encryption");
        await _tab.PressAsync("#enable");
        await _tab.TypeAsync("#policy-key-arn", keyArn);
        await _tab.PressAsync("#fill-in");
        await _tab.UntilAsync("#instructions");
        await _tab.PressAsync("[data-copy=policy-permissions]");
        await _tab.UntilTextAsync("[data-copy=policy-permissions]", "Copied");

        await using var console = await _tab.OpenAnotherAsync("/Console");
        await console.TabToAsync("#user-policy");
        await console.Page.Keyboard.PressAsync("Control+V");
        await console.PressAsync("#create-user");
        var (accessKeyId, secret) = (await console.TextAsync("#new-access-key-id"), await console.TextAsync("#new-secret-access-key"));
        await _tab.Page.BringToFrontAsync();
        await _tab.TypeAsync("#access-key-id", accessKeyId);
        await _tab.TypeAsync("#secret-access-key", secret);
        await _tab.Page.Keyboard.PressAsync("Enter");
        await _tab.UntilTextAsync("#test-result", "The connection works.");
        await _tab.PressAsync("#activate");
        await _tab.UntilPhaseAsync(AccountPhase.CustomerKey);

        Assert.That(await _tab.TextAsync("#key-arn"), Is.EqualTo(keyArn));
    }
}
