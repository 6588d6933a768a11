using System.Security.Cryptography;
using System.Text.Json;
using Byok.Cli;
using Scalr.Byok.Kms.Tests.KeyRing;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok encrypt and byok decrypt: what comes from where and goes where, and what is left when it fails.</summary>
[Category("Slow")]
internal sealed class TransferTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1_048_576)]
    [TestCase(1_048_577)]
    [TestCase(3_000_000)]
    public async Task Standard_input_goes_to_standard_output_and_back(int length)
    {
        var content = RandomNumberGenerator.GetBytes(length);

        var message = await PipeAsync(content, "encrypt", "-c", "a=b=c", "-s", _world.KeySettings);
        var plaintext = await PipeAsync(message, "decrypt", "-c", "a=b=c", "-s", _world.KeySettings);

        Assert.That(plaintext.AsSpan().SequenceEqual(content)); // NUnit compares objects, of each byte
        Assert.That(ByokMessage.Read(message).EncryptionContext, Is.EqualTo(new Dictionary<string, string> { ["a"] = "b=c" }));
        Assert.That(_world.Files(), Is.Empty);
    }

    [Test]
    public async Task A_file_gets_a_name_beside_it_and_its_own_back()
    {
        var file = await _world.WriteAsync("a.txt", [1, 2, 3]);

        AssertQuiet(await _world.RunAsync("encrypt", file, "-s", _world.KeySettings));
        File.Delete(file);
        AssertQuiet(await _world.RunAsync("decrypt", $"{file}.byok", "-s", _world.KeySettings));

        Assert.That(_world.Files(), Is.EqualTo(["a.txt", "a.txt.byok"]));
        Assert.That(await File.ReadAllBytesAsync(file), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public async Task A_directory_is_mirrored_with_all_in_it_but_links()
    {
        await _world.WriteAsync("in/a.txt", [1]);
        await _world.WriteAsync("in/sub/.hidden", [2]);
        await _world.WriteAsync("in/sub/deep/empty", []);
        await _world.WriteAsync("outside", [3]);
        File.CreateSymbolicLink(_world.PathOf("in/link"), _world.PathOf("outside"));

        AssertQuiet(await _world.RunAsync("encrypt", _world.PathOf("in"), "-o", _world.PathOf("vault"), "-s", _world.KeySettings));
        await _world.WriteAsync("vault/readme", [9]);
        AssertQuiet(await _world.RunAsync("decrypt", _world.PathOf("vault"), "-o", _world.PathOf("out"), "-s", _world.KeySettings));

        Assert.That(
            _world.Files().Where(file => file.StartsWith("vault/", StringComparison.Ordinal)),
            Is.EqualTo(["vault/a.txt.byok", "vault/readme", "vault/sub/.hidden.byok", "vault/sub/deep/empty.byok"]));
        Assert.That(
            _world.Files().Where(file => file.StartsWith("out/", StringComparison.Ordinal)),
            Is.EqualTo(["out/a.txt", "out/sub/.hidden", "out/sub/deep/empty"]));
        Assert.That(await File.ReadAllBytesAsync(_world.PathOf("out/sub/.hidden")), Is.EqualTo(new byte[] { 2 }));
    }

    [Test]
    public async Task Several_sources_go_into_one_directory()
    {
        var file = await _world.WriteAsync("a", [1]);
        await _world.WriteAsync("in/b", [2]);

        AssertQuiet(await _world.RunAsync("encrypt", file, _world.PathOf("in"), "-o", _world.PathOf("vault"), "-s", _world.KeySettings));

        Assert.That(_world.Files(), Is.EqualTo(["a", "in/b", "vault/a.byok", "vault/in/b.byok"]));
    }

    [Test]
    public async Task What_would_be_written_twice_or_into_itself_is_refused()
    {
        var (one, two) = (await _world.WriteAsync("one/a", [1]), await _world.WriteAsync("two/a", [2]));

        AssertRefused(
            await _world.RunAsync("encrypt", one, two, "-o", _world.PathOf("vault"), "-s", _world.KeySettings), "would be written twice");
        AssertRefused(
            await _world.RunAsync("encrypt", _world.PathOf("one"), "-o", _world.PathOf("one/vault"), "-s", _world.KeySettings),
            "is within");
        AssertRefused(await _world.RunAsync("encrypt", _world.PathOf("one"), "-s", _world.KeySettings), "is a directory");
        AssertRefused(await _world.RunAsync("encrypt", one, "-o", one, "-f", "-s", _world.KeySettings), "would be overwritten");
        AssertRefused(await _world.RunAsync("decrypt", one, "-s", _world.KeySettings), "does not end in .byok");
        Assert.That(_world.Files(), Is.EqualTo(["one/a", "two/a"]));
    }

    [Test]
    public async Task A_file_that_is_there_stays_unless_forced()
    {
        var (file, target) = (await _world.WriteAsync("a", [1]), await _world.WriteAsync("a.byok", [7]));

        var refused = await _world.RunAsync("encrypt", file, "-s", _world.KeySettings);
        Assert.That(
            (refused.Code, refused.Error),
            Is.EqualTo((ExitCode.Failed, $"byok: {file}: {target} exists; --force replaces it.{Environment.NewLine}")));
        Assert.That(await File.ReadAllBytesAsync(target), Is.EqualTo(new byte[] { 7 }));

        AssertQuiet(await _world.RunAsync("encrypt", file, "--force", "-s", _world.KeySettings));
        Assert.That(ByokMessage.Read(await File.ReadAllBytesAsync(target)).IsFramed);
        Assert.That(_world.Files(), Is.EqualTo(["a", "a.byok"]));
    }

    [Test]
    [Platform("Linux,MacOsX")]
    public async Task A_file_is_for_no_more_eyes_than_its_source()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var file = await _world.WriteAsync("a", [1]);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        AssertQuiet(await _world.RunAsync("encrypt", file, "-s", _world.KeySettings));
        Assert.That(File.GetUnixFileMode($"{file}.byok"), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.GroupRead));

        _world.Input = new MemoryStream([1]);
        AssertQuiet(await _world.RunAsync("encrypt", "-o", _world.PathOf("b.byok"), "-s", _world.KeySettings));
        Assert.That(File.GetUnixFileMode(_world.PathOf("b.byok")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_message_that_is_cut_leaves_nothing(bool toOutput)
    {
        var message = await PipeAsync(RandomNumberGenerator.GetBytes(2_000_000), "encrypt", "-s", _world.KeySettings);
        var file = await _world.WriteAsync("a.byok", message[..^1]);

        var result = await _world.RunAsync("decrypt", file, "-o", toOutput ? "-" : _world.PathOf("a"), "-s", _world.KeySettings);

        Assert.That(result.Code, Is.EqualTo(ExitCode.MessageRefused), result.ToString());
        Assert.That(result.Error, Does.StartWith("byok: ").And.Contain("Treat it as hostile."));
        Assert.That(result.Data, Is.Empty, "no pipe gets what is not authenticated to its end");
        Assert.That(_world.Files(), Is.EqualTo(["a.byok"]));
    }

    [Test]
    public async Task A_file_that_fails_does_not_keep_the_others_from_being_decrypted()
    {
        await _world.WriteAsync("in/a", [1]);
        await _world.WriteAsync("in/b", [2]);
        AssertQuiet(await _world.RunAsync("encrypt", _world.PathOf("in"), "-o", _world.PathOf("vault"), "-s", _world.KeySettings));
        await _world.WriteAsync("vault/b.byok", "no message"u8.ToArray());
        await _world.WriteAsync("vault/c\u001b[31m.byok", "no message"u8.ToArray());

        var result = await _world.RunAsync(
            "decrypt", _world.PathOf("vault"), "-o", _world.PathOf("out"), "--json", "-s", _world.KeySettings);

        var report = JsonDocument.Parse(result.Output).RootElement;
        Assert.That(result.Code, Is.EqualTo(ExitCode.MessageRefused));
        Assert.That((report.GetProperty("done").GetInt32(), report.GetProperty("failed").GetInt32()), Is.EqualTo((1, 2)));
        Assert.That(report.GetProperty("files")[1].GetProperty("message").GetString(), Does.Contain("not an AWS Encryption SDK message"));
        Assert.That(result.Error, Does.Contain("b.byok: ").And.Contain(@"c\u{001B}[31m.byok: ").And.Not.Contain("\u001b"));
        Assert.That(_world.Files().Where(file => file.StartsWith("out/", StringComparison.Ordinal)), Is.EqualTo(["out/a"]));
    }

    [Test]
    public async Task A_disabled_key_and_an_outage_are_told_apart()
    {
        var file = await _world.WriteAsync("a", [1]);
        _world.Demo.Key.Disable();

        var disabled = await _world.RunAsync("encrypt", file, "-s", _world.KeySettings);
        _world.Environment["Byok:Resilience:MaxRetryAttempts"] = "0";
        var unreachable = await _world.RunAsync("encrypt", file, "-s", _world.KeySettings, "--endpoint", "http://127.0.0.1:9");

        Assert.That((disabled.Code, unreachable.Code), Is.EqualTo((ExitCode.KeyUnusable, ExitCode.ServiceFailing)));
        Assert.That(disabled.Error, Does.Contain("The key is disabled.").And.Contain("Enable the key").And.Contain("AWS request "));
        Assert.That(_world.Files(), Is.EqualTo(["a"]));
    }

    [Test]
    public async Task The_context_has_to_be_the_messages()
    {
        var message = await PipeAsync([1], "encrypt", "-c", "account=acme", "-s", _world.KeySettings);
        _world.Input = new MemoryStream(message);

        var result = await _world.RunAsync("decrypt", "-c", "account=evil", "-s", _world.KeySettings);

        Assert.That((result.Code, result.Data), Is.EqualTo((ExitCode.MessageRefused, Array.Empty<byte>())));
        Assert.That(result.Error, Does.Not.Contain("evil").And.Not.Contain("acme"));
    }

    [TestCase("encrypt")]
    [TestCase("decrypt")]
    public async Task A_command_that_is_cancelled_midway_leaves_nothing(string command)
    {
        var message = await PipeAsync(RandomNumberGenerator.GetBytes(4_000_000), "encrypt", "-s", _world.KeySettings);
        using var cancellation = new CancellationTokenSource();
        _world.Input = new StuckStream(message, message.Length / 2, cancellation.Cancel);

        var result = await _world.RunAsync([command, "-o", _world.PathOf("target"), "-s", _world.KeySettings], cancellation.Token);

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Cancelled, $"byok: Cancelled.{Environment.NewLine}")));
        Assert.That(_world.Files(), Is.Empty);
    }

    [Test]
    public async Task At_a_terminal_a_person_is_told_what_was_done([Values(60, 120)] int width)
    {
        (_world.AtTerminal, _world.Width) = (true, width);
        var file = await _world.WriteAsync("a", new byte[1500]);

        var result = await _world.RunAsync("encrypt", file, "-s", _world.KeySettings);

        Assert.That(result.Code, Is.Zero, result.ToString());
        Assert.That(result.Error, Does.Contain("1 file encrypted (1.5 KB)"));
        Assert.That(result.Output, Is.Empty);
        Assert.That(result.Error.Split(Environment.NewLine), Has.All.Length.LessThanOrEqualTo(width));
    }

    [Test]
    public async Task What_is_decrypted_to_a_terminal_is_not_cleared_away_with_the_progress()
    {
        var file = await _world.WriteAsync("a", "hello"u8.ToArray());
        await _world.RunAsync("encrypt", file, "-s", _world.KeySettings);
        (_world.AtTerminal, _world.CanDraw) = (true, true);

        var result = await _world.RunAsync("decrypt", $"{file}.byok", "-o", "-", "-s", _world.KeySettings);

        Assert.That(result.Data, Is.EqualTo("hello"u8.ToArray()));
        Assert.That(result.Error, Does.Contain("Decrypting"), "there was progress");
        Assert.That(result.ErrorAfterData, Is.Empty);
    }

    private async Task<byte[]> PipeAsync(byte[] input, params string[] args)
    {
        _world.Input = new PieceStream(input) { NextPiece = () => 70_001 };
        var result = await _world.RunAsync(args);
        Assert.That((result.Code, result.Output, result.Error), Is.EqualTo((ExitCode.Success, "", "")));
        return result.Data;
    }

    private static void AssertQuiet(CliResult result) =>
        Assert.That((result.Code, result.Output, result.Error), Is.EqualTo((ExitCode.Success, "", "")), result.ToString());

    private static void AssertRefused(CliResult result, string complaint)
    {
        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
        Assert.That(result.Error, Does.Contain(complaint));
    }
}
