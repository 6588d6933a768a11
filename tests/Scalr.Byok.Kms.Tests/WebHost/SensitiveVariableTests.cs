using System.Net;
using System.Text.Json.Nodes;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>
/// Variables that are sensitive, and others that are not, over HTTP. One host serves all tests, each of which has an account of its own.
/// </summary>
internal sealed class SensitiveVariableTests
{
    private const string Script = "<script>alert(1)</script>";

    private WebHostWorld _world = null!;
    private Customer _acme = null!;

    private Browser Browser => _acme.Browser;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [SetUp]
    public async Task SignInAsync() => _acme = await Customer.AddAsync(_world);

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(null)]
    [TestCase(true)]
    public async Task A_variable_is_sensitive_unless_the_form_says_that_it_is_not(bool? field)
    {
        var page = await Browser.AddVariableAsync("hidden-name", "hidden-value", field);
        await Browser.PostAsync("/Variables", "/Variables?handler=Import", ("workspace", "w"), ("lines", "hidden-too=hidden-value"));
        await Browser.PostJsonAsync("/api/variables", new JsonArray(Json("hidden-api", "hidden-value")));

        Assert.That(page.Text, Does.Contain("hidden-name").And.Not.Contain("hidden-value"));
        Assert.That((await ListAsync()).Select(one => (bool)one!["sensitive"]!), Is.EqualTo((bool[])[true, true, true]));
        Assert.That(_world.DumpDatabase(), Does.Not.Contain("hidden-"));
    }

    [Test]
    public async Task A_variable_that_is_not_sensitive_is_shown_as_text_and_stored_as_it_is()
    {
        var page = await Browser.AddVariableAsync("shown-name", Script, isSensitive: false);
        await Browser.PostAsync(
            "/Variables", "/Variables?handler=Import",
            [("workspace", "w"), ("lines", "open-too=second-value"), .. Browser.Sensitive(isChecked: false)]);
        await Browser.PostJsonAsync("/api/variables", new JsonArray(Json("open-api", "third-value", isSensitive: false)));

        Assert.That(page.Text, Does.Contain("&lt;script&gt;alert(1)&lt;/script&gt;").And.Not.Contain("<script>alert"));
        Assert.That((await ListAsync()).Select(one => ((string?)one!["value"], (bool)one["sensitive"]!)),
            Is.EqualTo(((string?, bool)[])[(Script, false), ("second-value", false), ("third-value", false)]));
        Assert.That(_world.DumpDatabase(), Does.Contain("shown-name").And.Contain(Script).And.Contain("third-value"));
    }

    [Test]
    public async Task The_flag_can_be_changed_and_the_value_stays()
    {
        await Browser.AddVariableAsync("name", "value-1");
        var id = (string)(await ListAsync()).Single()!["id"]!;

        var hidden = await Browser.GetAsync($"/Variables/{id}");
        var shown = await ChangeAsync(id, was: true, isSensitive: false, value: "");
        var masked = await ChangeAsync(id, was: false, isSensitive: true, value: "value-2");
        var kept = (string?)(await ListAsync()).Single()!["value"];
        await ChangeAsync(id, was: true, isSensitive: true, value: "value-3");

        Assert.That(hidden.Text, Does.Contain("value=\"name\"").And.Not.Contain("value-1"));
        Assert.That(shown.Text, Does.Contain("value-1").And.Not.Contain("handler=Reveal"));
        Assert.That(masked.Text, Does.Not.Contain("value-2").And.Contain("handler=Reveal"));
        Assert.That(kept, Is.EqualTo("value-2"));
        Assert.That((string?)(await ListAsync()).Single()!["value"], Is.EqualTo("value-3"));
    }

    [Test]
    public async Task A_form_that_another_tab_has_overtaken_changes_nothing()
    {
        await Browser.AddVariableAsync("name", "value");
        var id = (string)(await ListAsync()).Single()!["id"]!;
        await ChangeAsync(id, was: true, isSensitive: false, value: "");

        var late = await ChangeAsync(id, was: true, isSensitive: true, value: "");

        Assert.That(late.TextOf("notice"), Does.Contain("Nothing was changed by you."));
        Assert.That((await ListAsync()).Select(one => ((string?)one!["value"], (bool)one["sensitive"]!)),
            Is.EqualTo(((string?, bool)[])[("value", false)]));
    }

    [Test]
    public async Task Without_the_key_no_variable_is_shown_and_no_flag_changes()
    {
        await Browser.AddVariableAsync("hidden-name", "hidden-value");
        await Browser.AddVariableAsync("open-name", "open-value", isSensitive: false);
        await _acme.MoveAsync("Enable");
        var ids = (await ListAsync()).Select(one => (string)one!["id"]!).ToList();
        var form = await Browser.GetAsync("/Encryption"); // a page with a token, which needs no key

        _acme.Key.Disable();
        var list = await Browser.GetAsync("/Variables");
        var toPlain = await ChangeAsync(ids[0], was: true, isSensitive: false, value: "", form);
        var toSensitive = await ChangeAsync(ids[1], was: false, isSensitive: true, value: "open-value", form);
        _acme.Key.Enable();

        Assert.That((list.Status, toPlain.Status, toSensitive.Status),
            Is.EqualTo((HttpStatusCode.Conflict, HttpStatusCode.Conflict, HttpStatusCode.Conflict)));
        Assert.That(list.Text, Does.Contain("id=\"problem\"").And.Not.Contain("open-value"));
        Assert.That(_world.DumpDatabase(), Does.Not.Contain("hidden-"));
        await WebHostWorld.UntilAsync(() => Browser.GetAsync("/api/variables"), answer => answer.Status == HttpStatusCode.OK);
        Assert.That((await ListAsync()).Select(one => (bool)one!["sensitive"]!), Is.EqualTo((bool[])[true, false]));
    }

    [Test]
    public async Task A_move_has_the_sensitive_variables_alone()
    {
        await Browser.AddVariableAsync("hidden-name", "hidden-value");
        await Browser.AddVariableAsync("open-name", "open-value", isSensitive: false);
        var tested = await _acme.TestAsync("Enable", ByokCredentialSettings.AccessKeysType);
        await _acme.ActivateAsync("Enable", tested);
        var account = await _world.Accounts.GetAsync(_acme.Tenant);
        await _acme.UntilAsync(tested, 2);

        var moves = await _world.ListMovesAsync(account.MoveId!.Value);

        Assert.That(moves.Sum(move => move.Total), Is.EqualTo(2), "a name and a value");
        Assert.That(moves.Sum(move => move.Processed), Is.EqualTo(2));
        Assert.That((await ListAsync()).Select(one => (string?)one!["value"]), Is.EqualTo((string[])["hidden-value", "open-value"]));
    }

    [Test]
    public async Task The_end_of_the_data_key_leaves_what_it_did_not_encrypt()
    {
        await Browser.AddVariableAsync("hidden-name", "hidden-value");
        await Browser.AddVariableAsync("open-name", "open-value", isSensitive: false);
        var shown = await Browser.GetAsync("/Encryption");
        await Browser.PostAsync(
            "/Encryption", "/Encryption?handler=Delete", ("version", shown.ValueOf("version")), ("confirmation", "delete"));

        var between = await Browser.GetAsync("/Variables");
        shown = await Browser.GetAsync("/Encryption");
        await Browser.PostAsync("/Encryption", "/Encryption?handler=StartAgain", ("version", shown.ValueOf("version")));

        Assert.That(between.Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((await ListAsync()).Select(one => (string?)one!["value"]), Is.EqualTo((string[])["open-value"]));
    }

    [Test]
    public async Task A_customer_cannot_change_the_variable_of_another()
    {
        await Browser.AddVariableAsync("acme-name", "acme-value", isSensitive: false);
        var id = (string)(await ListAsync()).Single()!["id"]!;
        var globex = await _world.SignInAsync(await _world.AddAccountAsync());

        var shown = await globex.GetAsync($"/Variables/{id}");
        await globex.PostAsync(
            "/Variables", $"/Variables/{id}",
            [("workspace", "w"), ("name", "stolen"), ("value", "stolen"), ("was", "false"), .. Browser.Sensitive(isChecked: false)]);

        Assert.That(shown.Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((string?)(await ListAsync()).Single()!["value"], Is.EqualTo("acme-value"));
    }

    private Task<Browser.Answer> ChangeAsync(string id, bool was, bool isSensitive, string value, Browser.Answer? form = null) =>
        Browser.PostAsync(
            form is null ? $"/Variables/{id}" : "/Encryption",
            $"/Variables/{id}",
            [
                ("workspace", "production"), ("name", "name"), ("value", value), ("was", was ? "true" : "false"),
                .. Browser.Sensitive(isSensitive),
            ]);

    private async Task<JsonArray> ListAsync() => (await Browser.GetAsync("/api/variables")).Json.AsArray();

    private static JsonObject Json(string name, string value, bool? isSensitive = null)
    {
        var json = new JsonObject { ["workspace"] = "w", ["name"] = name, ["value"] = value };
        if (isSensitive is { } flag)
        {
            json["sensitive"] = flag;
        }

        return json;
    }
}
