using System.Net;
using System.Text.Json.Nodes;
using LocalAws;
using Scalr.Byok.Kms.Tests.Columns;
using WebHost.Accounts;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The sample's host over HTTP. One host serves all tests, each of which has accounts of its own.</summary>
internal sealed class WebHostTests
{
    private WebHostWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(ByokCredentialSettings.AccessKeysType)]
    [TestCase(ByokCredentialSettings.AssumeRoleType)]
    [TestCase(ByokCredentialSettings.OidcType)]
    public async Task A_customer_who_follows_the_page_moves_to_an_own_key(string type)
    {
        var customer = await Customer.AddAsync(_world);
        await customer.Browser.AddVariableAsync("before", "first");

        await customer.MoveAsync("Enable", type);

        Assert.That((await customer.Browser.GetAsync("/Encryption")).Phase, Is.EqualTo(nameof(AccountPhase.CustomerKey)));
        Assert.That(await ValuesAsync(customer), Is.EqualTo((string[])["first"]));
        customer.Key.Disable();
        Assert.That((await customer.Browser.GetAsync("/api/variables")).Status, Is.EqualTo(HttpStatusCode.Conflict));
    }

    [Test]
    public async Task A_customer_changes_the_key_returns_to_the_platform_key_and_deletes_the_data_key()
    {
        var customer = await Customer.AddAsync(_world);
        await customer.Browser.AddVariableAsync("name", "value");
        await customer.MoveAsync("Enable");
        var first = customer.Key;
        await customer.MoveAsync("ChangeKey");
        first.Disable();
        Assert.That(await ValuesAsync(customer), Is.EqualTo((string[])["value"]), "nothing is under the first key");

        var shown = await customer.Browser.GetAsync("/Encryption");
        await customer.Browser.PostAsync("/Encryption", "/Encryption?handler=Return", ("version", shown.ValueOf("version")));
        await customer.Browser.UntilAsync(state => (long)state["version"]! == 7);
        customer.Key.Disable();
        Assert.That(await ValuesAsync(customer), Is.EqualTo((string[])["value"]), "nothing is under the customer's key");

        shown = await customer.Browser.GetAsync("/Encryption");
        await customer.Browser.PostAsync(
            "/Encryption", "/Encryption?handler=Delete", ("version", shown.ValueOf("version")), ("confirmation", "delete"));
        var unreadable = await customer.Browser.GetAsync("/api/variables");
        Assert.That(unreadable.Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((string?)unreadable.Json["reason"], Is.EqualTo("DataKeyDeleted"));

        shown = await customer.Browser.GetAsync("/Encryption");
        await customer.Browser.PostAsync("/Encryption", "/Encryption?handler=StartAgain", ("version", shown.ValueOf("version")));
        Assert.That(await ValuesAsync(customer), Is.Empty);
    }

    [Test]
    public async Task On_PostgreSQL_data_moves_and_comes_back()
    {
        await using var world = await WebHostWorld.StartOnAsync(ColumnsWorld.Postgres);
        var customer = await Customer.SignInAsync(world);
        await customer.Browser.AddVariableAsync("before", "first");
        await customer.Browser.UploadAsync("plan.bin", [1, 2, 3]);

        await customer.MoveAsync("Enable");
        await customer.Browser.AddVariableAsync("after", "second");

        Assert.That(await ValuesAsync(customer), Is.EqualTo((string[])["first", "second"]));
        Assert.That((await world.ReadDataKeysAsync("acme")).ConvertAll(key => ByokMessage.Read(key).EncryptedDataKeys[0].KeyArn.ToString()),
            Is.EqualTo((string[])[customer.Key.Arn]));
    }

    [Test]
    public async Task Other_credentials_for_the_same_key_move_nothing()
    {
        var customer = await Customer.AddAsync(_world);
        await customer.Browser.AddVariableAsync("name", "value");
        await customer.MoveAsync("Enable");
        var old = customer.User;

        var tested = await customer.TestAsync("ChangeCredentials", ByokCredentialSettings.AssumeRoleType, newKey: false);
        var page = await customer.ActivateAsync("ChangeCredentials", tested);
        old.Policy = null;

        Assert.That(page.Phase, Is.EqualTo(nameof(AccountPhase.CustomerKey)));
        Assert.That(await ValuesAsync(customer), Is.EqualTo((string[])["value"]));
    }

    [Test]
    public async Task A_denied_key_is_a_conflict_with_reason_and_remedy_for_that_customer_only()
    {
        var acme = await Customer.AddAsync(_world);
        var globex = await Customer.AddAsync(_world);
        await acme.MoveAsync("Enable");
        await globex.Browser.AddVariableAsync("name", "value");

        acme.Key.Disable();
        var api = await acme.Browser.GetAsync("/api/variables");
        var page = await acme.Browser.GetAsync("/Variables");

        Assert.That((api.Status, api.ContentType), Is.EqualTo((HttpStatusCode.Conflict, "application/problem+json")));
        Assert.That((string?)api.Json["reason"], Is.EqualTo(nameof(ByokKeyUnavailableReason.KeyDisabled)));
        Assert.That((string?)api.Json["remedy"], Is.EqualTo("Enable the key in AWS KMS."));
        Assert.That(page.Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(page.TextOf("problem-who"), Is.EqualTo("An administrator of your AWS account"));
        Assert.That(await ValuesAsync(globex), Is.EqualTo((string[])["value"]));
        acme.Key.Enable();
    }

    [Test]
    public async Task An_outage_is_unavailable_with_a_time_to_retry()
    {
        await using var world = await WebHostWorld.StartAsync(); // AWS KMS is away for all of its customers
        var customer = await Customer.SignInAsync(world);
        await customer.Browser.AddVariableAsync("name", "value");

        world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Service = "kms" });
        var api = await customer.Browser.GetAsync("/api/variables");

        Assert.That((api.Status, api.ContentType), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "application/problem+json")));
        Assert.That(api.RetryAfter, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)));
    }

    [Test]
    public async Task A_customer_cannot_reach_the_data_of_another()
    {
        var acme = (await Customer.AddAsync(_world)).Browser;
        var globex = (await Customer.AddAsync(_world)).Browser;
        var variable = new JsonObject { ["workspace"] = "w", ["name"] = "acme-name", ["value"] = "acme-value" };
        var id = (string?)(await acme.PostJsonAsync("/api/variables", new JsonArray(variable))).Json[0];

        Assert.That((await globex.GetAsync($"/api/variables/{id}")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await globex.GetAsync("/Variables")).Text, Does.Not.Contain("acme-name"));
        await globex.PostAsync("/Variables", "/Variables?handler=Delete", ("id", id));
        Assert.That((await acme.GetAsync($"/api/variables/{id}")).Text, Does.Contain("acme-value"));
        Assert.That((await globex.GetAsync("/Operator")).Text, Does.Not.Contain("id=\"tenants\""));
        using var visitor = new Browser(_world.Address);
        Assert.That((await visitor.GetAsync("/api/variables")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task A_script_in_a_name_is_shown_as_text_and_values_are_masked()
    {
        var browser = (await Customer.AddAsync(_world)).Browser;

        var page = await browser.AddVariableAsync("<script>alert(1)</script>", "hidden-value");

        Assert.That(page.Text, Does.Contain("&lt;script&gt;alert(1)&lt;/script&gt;").And.Not.Contain("<script>alert"));
        Assert.That(page.Text, Does.Not.Contain("hidden-value"));
        var revealed = await browser.PostAsync("/Variables", "/Variables?handler=Reveal", ("id", page.ValueOf("id")));
        Assert.That(revealed.Text, Does.Contain("hidden-value"));
    }

    [Test]
    public async Task Variables_that_are_added_together_keep_their_order()
    {
        var customer = await Customer.AddAsync(_world);
        var browser = customer.Browser;
        var names = Enumerable.Range(0, 20).Select(number => $"NAME_{number:00}").ToList();

        await browser.PostAsync(
            "/Variables",
            "/Variables?handler=Import",
            ("workspace", "w"),
            ("sensitive", "false"),
            ("lines", string.Join('\n', names.Take(10).Select(name => $"{name}=value"))));
        await browser.PostJsonAsync("/api/variables", new JsonArray([.. names.Skip(10).Select(name => (JsonNode)new JsonObject
        {
            ["workspace"] = "w", ["name"] = name, ["value"] = "value",
        })]));

        var shown = (await _world.ReadVariablesAsync(customer.Tenant)).Select(variable => variable.Id).ToList();
        var page = (await browser.GetAsync("/Variables")).Text;
        Assert.That(shown, Has.Count.EqualTo(20));
        foreach (var together in names.Chunk(10)) // the second request can begin in the milliseconds that the first one has used
        {
            Assert.That(together.Select(name => page.IndexOf(name, StringComparison.Ordinal)), Is.Ordered.And.All.GreaterThan(0));
        }
    }

    [Test]
    public async Task A_name_that_is_too_long_is_rejected()
    {
        var browser = (await Customer.AddAsync(_world)).Browser;
        var name = new string('x', 201);

        var form = await browser.AddVariableAsync(name, "value");
        var import = await browser.PostAsync("/Variables", "/Variables?handler=Import", ("workspace", "w"), ("lines", $"{name}=value"));
        var api = await browser.PostJsonAsync(
            "/api/variables", new JsonArray(new JsonObject { ["workspace"] = "w", ["name"] = name, ["value"] = "value" }));

        Assert.That(form.Text, Does.Contain("class=\"errors\""));
        Assert.That(import.Text, Does.Contain("class=\"errors\""));
        Assert.That(api.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((await browser.GetAsync("/api/variables")).Json.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Two_pages_that_were_shown_at_once_have_one_winner()
    {
        var customer = await Customer.AddAsync(_world);
        var tested = await customer.TestAsync("Enable", ByokCredentialSettings.AccessKeysType);

        await customer.ActivateAsync("Enable", tested);
        var second = await customer.ActivateAsync("Enable", tested);

        Assert.That(second.TextOf("notice"), Does.Contain("Nothing was changed by you"));
        await customer.UntilAsync(tested, 2);
    }

    [Test]
    public async Task The_key_of_another_account_is_rejected()
    {
        var acme = await Customer.AddAsync(_world);
        var thief = await Customer.AddAsync(_world);
        await acme.MoveAsync("Enable");

        var tested = await thief.Browser.PostAsync(
            "/Encryption/Setup?purpose=Enable&keyArn=" + Uri.EscapeDataString(acme.Key.Arn),
            "/Encryption/Setup?handler=Test",
            ("Purpose", "Enable"), ("Type", ByokCredentialSettings.AccessKeysType), ("Version", "1"), ("KeyArn", acme.Key.Arn),
            ("AccessKeyId", "AKIAIOSFODNN7EXAMPLE"), ("SecretAccessKey", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));

        Assert.That(tested.ValueOf("draft"), Is.Empty);
        Assert.That(tested.Text, Does.Contain("data-check=\"Registration\" data-outcome=\"Failed\""));
    }

    private static async Task<List<string>> ValuesAsync(Customer customer) =>
        [.. (await customer.Browser.GetAsync("/api/variables")).Json.AsArray().Select(one => (string)one!["value"]!)];
}
