using System.Text.Json;
using Byok.Cli;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok inspect: what no one has authenticated is shown as such, and harms no terminal.</summary>
[Category("Slow")]
internal sealed class InspectTests
{
    private const string Arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-44444444444444444444444444444444";

    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(false, 120)]
    [TestCase(true, 120)]
    [TestCase(true, 60)]
    public async Task A_tree_says_what_the_message_says(bool atTerminal, int width)
    {
        (_world.AtTerminal, _world.Width) = (atTerminal, width);
        _world.Input = new MemoryStream(Message());

        var result = await _world.RunAsync("inspect", "-");

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Success, "")));
        Assert.That(
            result.Output, Does.Contain("Not authenticated").And.Contain("0478").And.Contain("frames of").And.Contain("account = [acme]"));
        Assert.That(
            result.Output.ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal).Replace("│", "", StringComparison.Ordinal),
            Does.Contain(Arn));
        Assert.That(
            result.Output.Split(Environment.NewLine), atTerminal ? Has.All.Length.LessThanOrEqualTo(width) : Has.Some.EndsWith(Arn));
    }

    [Test]
    public async Task JSON_says_the_same()
    {
        _world.Input = new MemoryStream(Message());

        var report = JsonDocument.Parse((await _world.RunAsync("inspect", "-", "--json")).Output).RootElement;

        Assert.That(report.GetProperty("authenticated").GetBoolean(), Is.False);
        Assert.That(report.GetProperty("algorithmSuiteId").GetInt32(), Is.EqualTo(0x478));
        Assert.That(report.GetProperty("messageId").GetString(), Is.EqualTo(Convert.ToHexStringLower(Sample.MessageId)));
        Assert.That(report.GetProperty("keyArns")[0].GetString(), Is.EqualTo(Arn));
        Assert.That(report.GetProperty("encryptedDataKeyCount").GetInt32(), Is.EqualTo(2));
        var dataKeys = report.GetProperty("encryptedDataKeys");
        Assert.That(
            (dataKeys[0].GetProperty("providerId").GetString(), dataKeys[0].GetProperty("keyArn").GetString()),
            Is.EqualTo(("aws-kms", Arn)));
        Assert.That(dataKeys[0].GetProperty("ciphertext").GetBytesFromBase64(), Is.EqualTo(new byte[] { 1 }));
        Assert.That(dataKeys[1].GetProperty("keyArn").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(report.GetProperty("encryptionContext").GetProperty("account").GetString(), Is.EqualTo("[acme]"));
    }

    [Test]
    public async Task What_a_terminal_would_obey_is_shown_as_an_escape()
    {
        _world.Input = new MemoryStream(Message(("evil\u001b]0;title\u0007", "\u202egnp.exe\r\nname = forged")));

        var result = await _world.RunAsync("inspect", "-");

        Assert.That(result.Output, Does.Contain(@"evil\u{001B}]0;title\u{0007} = \u{202E}gnp.exe\u{000D}\u{000A}name = forged"));
        Assert.That(result.Output, Does.Not.Contain("\u001b").And.Not.Contain("\u202e"));
    }

    [Test]
    public async Task A_signed_message_is_told()
    {
        _world.Input = new MemoryStream(
            VectorSet.Load(Path.Combine(VectorSet.Own, "js-generated-kms")).Vectors.First(vector => vector.Message is [2, 5, ..]).Message);

        Assert.That((await _world.RunAsync("inspect", "-")).Output, Does.Contain("0578").And.Contain("signed"));
    }

    [Test]
    public async Task What_is_no_message_is_told()
    {
        _world.Input = new MemoryStream("no message"u8.ToArray());

        var result = await _world.RunAsync("inspect", "-");

        Assert.That((result.Code, result.Output), Is.EqualTo((ExitCode.MessageRefused, "")));
        Assert.That(result.Error, Is.EqualTo($"byok: This is not an AWS Encryption SDK message.{Environment.NewLine}"));
    }

    private static byte[] Message() => Message(("account", "[acme]"));

    private static byte[] Message(params (string, string)[] context) => (PlainHeader.Read(Sample.Message()) with
    {
        Context = PlainHeader.WriteContext(context),
        Keys = [new PlainKey("aws-kms", Arn, [1]), new PlainKey("raw", "x", [2])],
    }).Write(new byte[32]);
}
