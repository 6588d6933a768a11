using System.Net;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The files of the sample's host. One host serves all tests, each of which has accounts of its own.</summary>
internal sealed class WebHostFileTests
{
    private static readonly byte[] Content = RandomNumberGenerator.GetBytes(3_000_000);

    private WebHostWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_file_moves_to_the_customers_key_and_comes_back_unchanged()
    {
        var customer = await Customer.AddAsync(_world);
        var id = await customer.Browser.UploadAsync("plan.bin", Content);

        await customer.MoveAsync("Enable");

        Assert.That((await customer.Browser.DownloadAsync(id)).SequenceEqual(Content), Is.True);
        var blobs = _world.Files(customer.Tenant);
        Assert.That(blobs, Has.Length.EqualTo(1), "the file under the platform key was deleted");
        Assert.That(ByokMessage.Read(await File.ReadAllBytesAsync(blobs[0])).EncryptedDataKeys.Select(key => key.KeyArn?.ToString()),
            Is.EqualTo((string[])[customer.Key.Arn]));
        customer.Key.Disable();
        Assert.That((await customer.Browser.GetAsync($"/Files/{id}")).Status, Is.EqualTo(HttpStatusCode.Conflict));
    }

    [Test]
    public async Task A_customer_cannot_reach_the_files_of_another()
    {
        var acme = (await Customer.AddAsync(_world)).Browser;
        var globex = (await Customer.AddAsync(_world)).Browser;
        var id = await acme.UploadAsync("acme-plan.bin", Content);

        Assert.That((await globex.GetAsync($"/Files/{id}")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await globex.GetAsync("/Files")).Text, Does.Not.Contain("acme-plan.bin"));
        await globex.PostAsync("/Files", "/Files?handler=Delete", ("id", id));
        Assert.That((await acme.DownloadAsync(id)).SequenceEqual(Content), Is.True);
    }

    [Test]
    public async Task An_upload_without_the_token_of_the_page_before_the_file_is_rejected()
    {
        var customer = await Customer.AddAsync(_world);
        var browser = customer.Browser;
        var token = (await browser.GetAsync("/Files")).ValueOf("__RequestVerificationToken");

        Assert.That((await browser.SendFileAsync("plan.bin", Content, token: "")).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(
            (await browser.SendFileAsync("plan.bin", Content, new string('x', 5000))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(
            (await browser.SendFileAsync("plan.bin", Content, token, isTokenFirst: false)).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(_world.Files(customer.Tenant), Is.Empty);
        Assert.That((await browser.SendFileAsync("plan.bin", Content, token)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task An_upload_under_a_disabled_key_shows_the_problem_and_stores_nothing()
    {
        var customer = await Customer.AddAsync(_world);
        await customer.MoveAsync("Enable");
        var token = (await customer.Browser.GetAsync("/Files")).ValueOf("__RequestVerificationToken");

        customer.Key.Disable();
        var page = await customer.Browser.SendFileAsync("plan.bin", Content, token);

        Assert.That((page.Status, page.TextOf("problem-remedy")), Is.EqualTo((HttpStatusCode.Conflict, "Enable the key in AWS KMS.")));
        Assert.That(_world.Files(customer.Tenant), Is.Empty);
    }

    [Test]
    public async Task The_contents_are_deleted_with_the_data_key()
    {
        var customer = await Customer.AddAsync(_world);
        var browser = customer.Browser;
        await browser.UploadAsync("plan.bin", Content);
        var shown = await browser.GetAsync("/Encryption");

        await browser.PostAsync(
            "/Encryption", "/Encryption?handler=Delete", ("version", shown.ValueOf("version")), ("confirmation", "delete"));

        await WebHostWorld.UntilAsync(() => _world.Files(customer.Tenant).Length == 0);
        Assert.That((await browser.GetAsync("/Files")).Text, Does.Not.Contain("plan.bin"));
    }
}
