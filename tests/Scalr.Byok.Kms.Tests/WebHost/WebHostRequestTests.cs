using System.Net;
using System.Text.Json.Nodes;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>Requests to the sample's host that change nothing. One host serves all tests.</summary>
internal sealed class WebHostRequestTests
{
    private WebHostWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase("/nothing")]
    [TestCase("/Unavailable")]
    [TestCase("/Variables/00000000-0000-0000-0000-000000000000")]
    [TestCase("/Files/00000000-0000-0000-0000-000000000000")]
    public async Task What_is_not_there_is_a_page_that_says_so(string path)
    {
        var browser = await _world.SignInAsync("acme");

        var page = await browser.GetAsync(path);

        Assert.That((page.Status, page.TextOf("failure")),
            Is.EqualTo((HttpStatusCode.NotFound, "There is no such page, variable or file in this account.")));
    }

    [Test]
    public async Task A_form_without_a_token_or_an_account_is_rejected_with_a_page()
    {
        using var browser = new Browser(_world.Address);

        var withoutAccount = await browser.PostAsync("/SignIn", "/SignIn");
        var withoutToken = await browser.PostAsync("/health", "/SignIn", ("account", "acme"));

        Assert.That((withoutAccount.Status, withoutToken.Status), Is.EqualTo((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest)));
        Assert.That(withoutToken.TextOf("failure"), Does.StartWith("This service does not accept the form."));
    }

    [TestCase("SwitchKey")]
    [TestCase("DeleteKey")]
    [TestCase("SwitchPermission")]
    [TestCase("SwitchTrust")]
    [TestCase("ChangeExternalId")]
    public async Task The_console_of_a_customer_knows_nothing_of_others(string handler)
    {
        var browser = await _world.SignInAsync("acme");

        var answer = await browser.PostAsync(
            "/Console", $"/Console?handler={handler}", ("arn", "arn:aws:kms:us-east-1:444455556666:key/other"), ("externalId", "id"));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task The_downloads_have_the_policies_of_the_page()
    {
        var browser = await _world.SignInAsync("acme");
        const string Key = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
        const string Arguments = $"purpose=Enable&type=AssumeRole&keyArn={Key}";
        var page = await browser.GetAsync($"/Encryption/Setup?{Arguments}");

        var template = (await browser.GetAsync($"/Encryption/Setup?handler=Download&format=cloudformation&{Arguments}")).Json;
        var terraform = await browser.GetAsync($"/Encryption/Setup?handler=Download&format=terraform&{Arguments}");

        var role = template["Resources"]!["Byok"]!["Properties"]!;
        Assert.That(JsonNode.DeepEquals(role["AssumeRolePolicyDocument"], JsonNode.Parse(page.TextOf("policy-trust"))), Is.True);
        Assert.That(
            JsonNode.DeepEquals(role["Policies"]![0]!["PolicyDocument"], JsonNode.Parse(page.TextOf("policy-permissions"))), Is.True);
        Assert.That(terraform.Text, Does.Contain(page.TextOf("policy-trust")).And.Contain(page.TextOf("policy-permissions")));
        Assert.That(terraform.Text, Does.Contain("resource \"aws_iam_role\" \"byok\""));
    }

    [TestCase("""[{ "workspace": "w", "value": "value" }]""")]
    [TestCase("""[{ "name": "name", "value": "value" }]""")]
    [TestCase("""[null]""")]
    public async Task The_API_rejects_a_variable_without_a_name_or_workspace(string json)
    {
        var answer = await (await _world.SignInAsync("acme")).PostJsonAsync("/api/variables", JsonNode.Parse(json)!);

        Assert.That((answer.Status, answer.ContentType), Is.EqualTo((HttpStatusCode.BadRequest, "application/problem+json")));
    }
}
