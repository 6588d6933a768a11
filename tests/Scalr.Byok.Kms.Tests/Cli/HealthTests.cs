using System.Text.Json;
using Byok.Cli;
using LocalAws;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok health, once and again and again.</summary>
internal sealed class HealthTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task The_exit_code_says_how_the_key_is()
    {
        var healthy = await _world.RunAsync("health", "-s", _world.KeySettings);
        var degraded = await _world.RunAsync("health", "-s", _world.KeySettings, "--replica-region", "us-east-2");
        _world.Demo.Key.Disable();
        var unusable = await _world.RunAsync("health", "-s", _world.KeySettings);
        _world.Environment["Byok:Resilience:MaxRetryAttempts"] = "0";
        var unreachable = await _world.RunAsync("health", "-s", _world.KeySettings, "--endpoint", "http://127.0.0.1:9");

        Assert.That(
            (healthy.Code, degraded.Code, unusable.Code, unreachable.Code),
            Is.EqualTo((ExitCode.Success, ExitCode.Warnings, ExitCode.KeyUnusable, ExitCode.ServiceFailing)));
        Assert.That(healthy.Output, Does.Contain($" Healthy (Enabled) {_world.Demo.Key.Arn}"));
        Assert.That(degraded.Output, Does.Contain("  ReplicaMissing (Customer): "));
        Assert.That(unusable.Output, Does.Contain("  KeyDisabled (Customer): The key is disabled."));
        Assert.That(unreachable.Output, Does.Contain(" Unhealthy arn:").And.Contain("  ServiceUnavailable (Aws): "));
    }

    [Test]
    public async Task JSON_says_the_same()
    {
        var health = JsonDocument.Parse((await _world.RunAsync("health", "--json", "-s", _world.KeySettings)).Output).RootElement;

        Assert.That(health.GetProperty("status").GetString(), Is.EqualTo("Healthy"));
        Assert.That(health.GetProperty("keyArn").GetString(), Is.EqualTo(_world.Demo.Key.Arn));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Watch_logs_each_change_once_and_ends_with_the_last_exit_code(bool json)
    {
        var time = new FakeTimeProvider();
        using var cancellation = new CancellationTokenSource();
        _world.Time = time;

        // The clock runs while AWS answers, so no time limit may end a request.
        _world.Environment["Byok:Resilience:TotalTimeout"] = _world.Environment["Byok:Resilience:AttemptTimeout"] = "01:00:00";
        string[] args = ["health", "--watch", "--interval", "10", "-s", _world.KeySettings, .. json ? (string[])["--json"] : []];

        var watch = _world.RunAsync(args, cancellation.Token);
        await LookAsync(time, 3);
        _world.Demo.Key.Disable();
        await LookAsync(time, 3);
        _world.Demo.Key.Enable();
        await LookAsync(time, 2);
        _world.Demo.Key.Disable();
        await LookAsync(time, 2);
        await cancellation.CancelAsync();
        var result = await watch;

        var lines = result.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith(' ')).ToList();
        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.KeyUnusable, "")));
        Assert.That(lines.Select(line => line.Contains("Disabled", StringComparison.Ordinal)), Is.EqualTo([false, true, false, true]));
        if (json)
        {
            Assert.That(
                lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("status").GetString()),
                Is.EqualTo(["Healthy", "Unhealthy", "Healthy", "Unhealthy"]));
        }
    }

    /// <summary>Lets so many looks begin; what those before the last have seen is shown.</summary>
    private async Task LookAsync(FakeTimeProvider time, int looks)
    {
        for (; looks > 0; looks--)
        {
            var before = Seen();
            await ByokWorld.StepUntilAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(100));
                    return Seen() > before;
                },
                "no one looked");
        }

        int Seen() => _world.Demo.Aws.Log.Requests.Count(request => request.Operation == "DescribeKey");
    }
}
