using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A customer's files in a real browser.</summary>
[Category("Slow")]
internal sealed class BrowserFileTests
{
    private WebHostWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_file_is_uploaded_and_downloaded_with_and_without_script(bool hasScript)
    {
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        await using var tab = await Tab.SignInAsync(_world, await _world.AddAccountAsync(), new() { JavaScriptEnabled = hasScript });
        await tab.GoAsync("/Files");
        var folder = Directory.CreateTempSubdirectory("browser-files-");
        var file = Path.Combine(folder.FullName, "Plän & <b>.bin"); // the browser reads it: Playwright would send it as text
        await File.WriteAllBytesAsync(file, content);
        await tab.Page.Locator("#upload-file").SetInputFilesAsync(file);

        await tab.ClickAsync("#upload-button");
        await tab.UntilAsync("#files");
        folder.Delete(recursive: true);
        var name = await tab.TextAsync("#files .name");
        var download = await tab.Page.RunAndWaitForDownloadAsync(() => tab.ClickAsync("#files .name a"));

        Assert.That((name, download.SuggestedFilename), Is.EqualTo(("Plän & <b>.bin", "Plän & _b_.bin")));
        Assert.That((await File.ReadAllBytesAsync(await download.PathAsync())).SequenceEqual(content), Is.True);
        Assert.That(tab.Errors, Is.Empty);
    }
}
