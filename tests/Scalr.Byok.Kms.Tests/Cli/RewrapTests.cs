using System.Text.Json;
using Byok.Cli;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok rewrap: every file is moved or left as it was.</summary>
internal sealed class RewrapTests
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

        var first = await RewrapAsync(_world.PathOf("vault"));
        var second = await RewrapAsync(_world.PathOf("vault"));

        Assert.That((first.Code, first.Error), Is.EqualTo((ExitCode.Success, "")));
        Assert.That(first.Output, Does.StartWith("2 files rewrapped ("));
        Assert.That(second.Output.TrimEnd(), Is.EqualTo("0 files rewrapped (0 B), 2 already under the current key"));
        Assert.That(_world.Files(), Is.EqualTo(["vault/a.byok", "vault/readme", "vault/sub/b.byok"]));
        Assert.That(ByokMessage.Read(await File.ReadAllBytesAsync(_world.PathOf("vault/a.byok"))).KeyArns.Single().ToString(), Is.EqualTo(_world.Demo.NextKey.Arn));
        await _world.RunAsync("decrypt", _world.PathOf("vault/a.byok"), "-s", _world.Settings[0].NextSettings);
        Assert.That(await File.ReadAllBytesAsync(_world.PathOf("vault/a")), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public async Task A_file_that_fails_is_listed_and_left_as_it_was()
    {
        var signed = VectorSet.Load(Path.Combine(VectorSet.Own, "js-generated-kms")).Vectors.First(vector => vector.Message is [2, 5, ..]).Message;
        var whole = await File.ReadAllBytesAsync(_world.PathOf("vault/a.byok"));
        Dictionary<string, byte[]> bad = new() { ["signed"] = signed, ["cut"] = whole[..^1], ["no-message"] = [1, 2, 3], ["forged"] = Forge(whole) };
        foreach (var (name, content) in bad)
        {
            await _world.WriteAsync($"vault/{name}.byok", content);
        }

        var result = await RewrapAsync(_world.PathOf("vault"), "--json");

        var report = JsonDocument.Parse(result.Output).RootElement;
        Assert.That(result.Code, Is.EqualTo(ExitCode.MessageRefused));
        Assert.That((report.GetProperty("done").GetInt32(), report.GetProperty("failed").GetInt32()), Is.EqualTo((2, 4)));
        Assert.That(result.Error, Does.Contain("signed.byok: The message is signed").And.Contain("cut.byok: ").And.Contain("no-message.byok: ").And.Contain("forged.byok: "));
        Assert.That(_world.Files().Count(), Is.EqualTo(6), "and no unfinished one");
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

        Assert.That((await RewrapAsync(_world.PathOf("vault"))).Code, Is.EqualTo(ExitCode.Failed));
        Assert.That((await RewrapAsync(_world.PathOf("vault/a.byok"))).Code, Is.EqualTo(ExitCode.KeyUnusable));
    }

    [Test]
    public async Task A_link_stays_and_what_it_leads_to_is_moved()
    {
        File.CreateSymbolicLink(_world.PathOf("link.byok"), _world.PathOf("vault/a.byok"));

        await RewrapAsync(_world.PathOf("link.byok"), _world.PathOf("vault/a.byok"));

        Assert.That(File.ResolveLinkTarget(_world.PathOf("link.byok"), returnFinalTarget: false)?.FullName, Is.EqualTo(_world.PathOf("vault/a.byok")));
        Assert.That(ByokMessage.Read(await File.ReadAllBytesAsync(_world.PathOf("vault/a.byok"))).KeyArns.Single().ToString(), Is.EqualTo(_world.Demo.NextKey.Arn));
    }

    private Task<CliResult> RewrapAsync(params string[] args) => _world.RunAsync(["rewrap", .. args, "-s", _world.Settings[0].NextSettings]);

    private static byte[] Forge(byte[] message)
    {
        var header = ByokMessage.Read(message);
        byte[] forged = [.. message];
        forged[header.HeaderLength - 1] ^= 1;
        return forged;
    }
}
