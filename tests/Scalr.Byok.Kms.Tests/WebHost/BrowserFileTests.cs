using System.Security.Cryptography;
using Microsoft.Playwright;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A customer's files in a real browser.</summary>
[Category("Slow")]
internal sealed class BrowserFileTests
{
    [TestCase(true)]
    [TestCase(false)]
    public async Task A_file_is_uploaded_and_downloaded_with_and_without_script(bool hasScript)
    {
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        await using var world = await WebHostWorld.StartAsync();
        await using var tab = await Tab.SignInAsync(world, options: new() { JavaScriptEnabled = hasScript });
        await tab.GoAsync("/Files");
        await tab.Page.Locator("#upload-file").SetInputFilesAsync(
            new FilePayload { Name = "Plän & <b>.bin", MimeType = "application/octet-stream", Buffer = content });

        await tab.ClickAsync("#upload-button");
        await tab.UntilAsync("#files");
        var name = await tab.TextAsync("#files .name");
        var download = await tab.Page.RunAndWaitForDownloadAsync(() => tab.ClickAsync("#files .name a"));

        Assert.That((name, download.SuggestedFilename), Is.EqualTo(("Plän & <b>.bin", "Plän & _b_.bin")));
        Assert.That(await File.ReadAllBytesAsync(await download.PathAsync()), Is.EqualTo(content));
        Assert.That(tab.Errors, Is.Empty);
    }
}
