using System.Text.Json;
using Byok.Cli;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok reencrypt: every file is moved or left as it was.</summary>
internal sealed class ReencryptTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await CliWorld.StartAsync();
        foreach (var name in new[] { "vault/a", "vault/sub/b" })
        {
            await _world.WriteAsync(name, [1, 2, 3]);
            await _world.RunAsync("encrypt", _world.PathOf(name), "-s", _world.KeySettings);
            File.Delete(_world.PathOf(name));
        }
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Every_message_moves_once()
    {
        await _world.WriteAsync("vault/readme", [9]);

        var first = await ReencryptAsync(_world.PathOf("vault"));
        var second = await ReencryptAsync(_world.PathOf("vault"));

        Assert.That((first.Code, first.Error), Is.EqualTo((ExitCode.Success, "")));
        Assert.That(first.Output, Does.StartWith("2 files re-encrypted ("));
        Assert.That(second.Output.TrimEnd(), Is.EqualTo("0 files re-encrypted (0 B), 2 already under the current key"));
        Assert.That(_world.Files(), Is.EqualTo(["vault/a.byok", "vault/readme", "vault/sub/b.byok"]));
        Assert.That(
            ByokMessage.Read(await File.ReadAllBytesAsync(_world.PathOf("vault/a.byok"))).KeyArns.Single().ToString(),
            Is.EqualTo(_world.Demo.NextKey.Arn));
        await _world.RunAsync("decrypt", _world.PathOf("vault/a.byok"), "-s", _world.Settings[0].NextSettings);
        Assert.That(await File.ReadAllBytesAsync(_world.PathOf("vault/a")), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public async Task A_file_that_fails_is_listed_and_left_as_it_was()
    {
        var whole = await File.ReadAllBytesAsync(_world.PathOf("vault/a.byok"));
        Dictionary<string, byte[]> bad =
            new() { ["cut"] = whole[..^1], ["no-message"] = [1, 2, 3], ["forged"] = Forge(whole) };
        foreach (var (name, content) in bad)
        {
            await _world.WriteAsync($"vault/{name}.byok", content);
        }

        var result = await ReencryptAsync(_world.PathOf("vault"), "--json");

        var report = JsonDocument.Parse(result.Output).RootElement;
        Assert.That(result.Code, Is.EqualTo(ExitCode.MessageRefused));
        Assert.That((report.GetProperty("done").GetInt32(), report.GetProperty("failed").GetInt32()), Is.EqualTo((2, 3)));
        Assert.That(
            result.Error,
            Does.Contain("cut.byok: ").And.Contain("no-message.byok: ").And.Contain("forged.byok: "));
        Assert.That(_world.Files().Count(), Is.EqualTo(5), "and no unfinished one");
        foreach (var (name, content) in bad)
        {
            Assert.That(await File.ReadAllBytesAsync(_world.PathOf($"vault/{name}.byok")), Is.EqualTo(content), name);
        }
    }

    [Test]
    public async Task Files_that_fail_for_different_reasons_make_exit_code_1()
    {
        await _world.WriteAsync("vault/no-message.byok", [1]);
        _world.Demo.NextKey.Disable();

        Assert.That((await ReencryptAsync(_world.PathOf("vault"))).Code, Is.EqualTo(ExitCode.Failed));
        Assert.That((await ReencryptAsync(_world.PathOf("vault/a.byok"))).Code, Is.EqualTo(ExitCode.KeyUnusable));
    }

    [Test]
    public async Task A_link_stays_and_what_it_leads_to_is_moved()
    {
        File.CreateSymbolicLink(_world.PathOf("link.byok"), _world.PathOf("vault/a.byok"));

        await ReencryptAsync(_world.PathOf("link.byok"), _world.PathOf("vault/a.byok"));

        Assert.That(
            File.ResolveLinkTarget(_world.PathOf("link.byok"), returnFinalTarget: false)?.FullName,
            Is.EqualTo(_world.PathOf("vault/a.byok")));
        Assert.That(
            ByokMessage.Read(await File.ReadAllBytesAsync(_world.PathOf("vault/a.byok"))).KeyArns.Single().ToString(),
            Is.EqualTo(_world.Demo.NextKey.Arn));
    }

    private Task<CliResult> ReencryptAsync(params string[] args) =>
        _world.RunAsync(["reencrypt", .. args, "-s", _world.Settings[0].NextSettings]);

    private static byte[] Forge(byte[] message)
    {
        var header = ByokMessage.Read(message);
        byte[] forged = [.. message];
        forged[header.HeaderLength - 1] ^= 1;
        return forged;
    }
}
