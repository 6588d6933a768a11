using System.Text.Json;
using Byok.Cli;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok local: what it writes, and what it leaves alone. The tour uses it as a process.</summary>
[Category("Slow")]
internal sealed class LocalTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Its_own_files_are_written_over_and_others_are_not()
    {
        var theirs = await _world.WriteAsync("theirs/oidc.json", "{ \"mine\": true }"u8.ToArray());

        var refused = await _world.RunAsync("local", "--out", _world.PathOf("theirs"));
        var again = await RunForAMomentAsync("local", "--out", _world.PathOf("settings"));

        Assert.That((refused.Code, refused.Error), Is.EqualTo((
            ExitCode.Usage,
            $"byok: {theirs} exists, and byok local has not written it: choose another directory with "
            + $"--out.{Environment.NewLine}")));
        Assert.That(_world.Files(), Is.EqualTo(["theirs/oidc.json"]));
        Assert.That(again.Code, Is.Zero, again.ToString());
    }

    [Test]
    public async Task A_person_is_told_what_to_try()
    {
        var result = await RunForAMomentAsync("local", "--out", _world.PathOf("demo"));

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Success, "")), result.ToString());
        foreach (var command in new[] { "verify", "encrypt", "inspect", "decrypt", "health --watch", "reencrypt" })
        {
            Assert.That(result.Output, Does.Contain($"  byok {command}"));
        }
    }

    [Test]
    public async Task A_program_is_told_in_one_line()
    {
        var result = await RunForAMomentAsync("local", "--json", "--out", _world.PathOf("demo"));

        var report = JsonDocument.Parse(result.Output.Split(Environment.NewLine)[0]).RootElement;
        Assert.That(
            report.GetProperty("settings").EnumerateArray().Select(one => one.GetProperty("credentialsType").GetString()),
            Is.EqualTo(["AccessKeys", "AssumeRole", "Oidc"]));
        Assert.That(
            report.GetProperty("settings").EnumerateArray().Select(one => one.GetProperty("settings").GetString()),
            Has.All.Matches<string>(File.Exists));
    }

    [Test]
    public async Task A_port_that_is_taken_is_told()
    {
        var result = await _world.RunAsync("local", "--port", $"{_world.Demo.Aws.Endpoint.Port}", "--out", _world.PathOf("demo"));

        Assert.That(result.Code, Is.EqualTo(ExitCode.Failed));
        Assert.That(result.Error, Does.StartWith("byok: ").And.Contain($"{_world.Demo.Aws.Endpoint.Port}").And.Not.Contain("   at "));
    }

    /// <summary>Until it has written the token, which is the last thing it does before it waits.</summary>
    private async Task<CliResult> RunForAMomentAsync(params string[] args)
    {
        var token = Path.Combine(args[^1], "token.jwt");
        Directory.CreateDirectory(args[^1]);
        File.Delete(token);
        using var cancellation = new CancellationTokenSource();
        var running = _world.RunAsync(args, cancellation.Token);
        await ByokWorld.UntilAsync(() => File.Exists(token) || running.IsCompleted, "no token was written");

        await cancellation.CancelAsync();
        return await running;
    }
}
