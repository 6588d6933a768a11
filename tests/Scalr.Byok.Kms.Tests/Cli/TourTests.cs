using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Scalr.Byok.Kms.Tests.Conventions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>
/// The tour that the README shows: byok local as a process, then every other command against it, once for each credentials type. If .ci/run
/// takes the published native binary on the tour, the commands run as processes. Otherwise byok runs in this process, but for the guide and
/// where a process is more: exit codes, a watch, Ctrl+C.
/// </summary>
[Platform("Linux,MacOsX")]
[Category("Slow")]
internal sealed class TourTests
{
    private static readonly int Long = ByokProcess.IsNative ? 200_000_000 : 20_000_000;

    private DirectoryInfo _directory = null!;
    private ByokProcess? _local;
    private JsonElement _report;
    private CliWorld _world = null!;
    private bool _isHere; // byok runs in this process

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = Directory.CreateTempSubdirectory("byok-tour-");
        var local = ByokProcess.Start(_directory.FullName, "local", "--json");
        if (local.IgnoresInterrupt)
        {
            local.Dispose();
            _directory.Delete(recursive: true);
            Assert.Ignore("Processes ignore Ctrl+C here, because the tests were started in the background of a shell.");
        }

        _local = local;
        _world = await CliWorld.StartAsync();
        _report = JsonDocument.Parse((await _local.Output.ReadLineAsync())!).RootElement;
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_local is null)
        {
            return; // ignored
        }

        await _world.DisposeAsync();
        await _local.InterruptAsync();
        var end = await _local.EndAsync(closeInput: false);
        _local.Dispose();
        _directory.Delete(recursive: true);
        Assert.That((end.Code, end.Output, end.Error), Is.EqualTo((0, "", "")), "byok local ends cleanly");
    }

    [TearDown]
    public void ReturnToProcesses() => _isHere = false;

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public async Task The_tour(int type)
    {
        var (settings, nextSettings, name) = Settings(type);
        var (folder, vault) = (PathOf(name), PathOf($"{name}.vault"));
        _isHere = !ByokProcess.IsNative;

        Assert.That((await RunAsync(0, "verify", "-s", settings)).Output, Does.Contain("The key can be used."));
        var health = JsonDocument.Parse((await RunAsync(0, "health", "--json", "-s", settings)).Output).RootElement;
        Assert.That(health.GetProperty("status").GetString(), Is.EqualTo("Healthy"));

        var hashes = new Dictionary<string, string>();
        foreach (var length in (int[])[0, 1, type == 0 ? Long : Long / 100]) // one long file is enough
        {
            var file = $"{name}/{length}.bin";
            hashes[file] = await CreateAsync(file, length);
        }

        await RunAsync(0, "encrypt", folder, "-o", vault, "-c", $"customer={name}", "-s", settings);
        var header = JsonDocument.Parse((await RunAsync(0, "inspect", $"{vault}/1.bin.byok", "--json")).Output).RootElement;
        Assert.That(header.GetProperty("authenticated").GetBoolean(), Is.False);
        Assert.That(header.GetProperty("keyArns")[0].GetString(), Is.EqualTo(_report.GetProperty("keyArn").GetString()));
        Assert.That(header.GetProperty("encryptionContext").GetProperty("customer").GetString(), Is.EqualTo(name));

        await DecryptAndCompareAsync(vault, PathOf($"{name}.first"), settings, name, hashes);

        Assert.That((await RunAsync(0, "reencrypt", vault, "-s", nextSettings)).Output, Does.StartWith("3 files re-encrypted"));
        Assert.That((await RunAsync(0, "reencrypt", vault, "-s", nextSettings)).Output, Does.Contain("3 already under the current key"));
        await RunAsync(6, "decrypt", $"{vault}/1.bin.byok", "-o", PathOf("none"), "-s", settings);
        await DecryptAndCompareAsync(vault, PathOf($"{name}.second"), nextSettings, name, hashes);

        if (type == 0 || ByokProcess.IsNative)
        {
            _isHere = false;
            await WatchAsync(settings);
        }
    }

    [Test]
    public async Task The_guide_can_be_followed_to_the_letter()
    {
        var guide = await File.ReadAllTextAsync(Path.Combine(House.Root.FullName, "samples", "Byok.Cli", "README.md"));
        var tour = guide.ReplaceLineEndings("\n").Split("In another terminal")[1].Split("\n```\n")[1].Split('\n');
        Assert.That(tour, Has.Length.EqualTo(7).And.All.Match("^(byok|echo) "));
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "tour.sh"),
            $$"""
            byok() { {{string.Join(' ', ByokProcess.Command.Select(word => $"'{word}'"))}} "$@"; }
            set -ex
            {{string.Join('\n', tour).Replace("--watch --interval 1", "", StringComparison.Ordinal)}}
            """);

        using var shell = ChildProcess.Start(new ProcessStartInfo("sh", "tour.sh")
        {
            WorkingDirectory = _directory.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        var error = shell.StandardError.ReadToEndAsync();
        var output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();

        Assert.That(shell.ExitCode, Is.Zero, await error);
        Assert.That(
            output,
            Does.Contain("The key can be used.").And.Contain("\nhello\n")
                .And.Contain("1 file re-encrypted").And.Contain("Healthy (Enabled)"));
    }

    [TestCase("encrypt")]
    [TestCase("decrypt")]
    public async Task Ctrl_C_leaves_nothing_behind(string command)
    {
        var directory = _directory.CreateSubdirectory($"cancelled-{command}");
        var (plaintext, message) = (typeof(TourTests).Assembly.Location, PathOf("long.byok"));
        _isHere = true;
        await RunAsync(0, "encrypt", plaintext, "-o", message, "-f", "-s", Settings(0).Settings);
        var half = (await File.ReadAllBytesAsync(command == "encrypt" ? plaintext : message))[..1_000_000];
        using var byok = ByokProcess.Start(_directory.FullName, command, "-o", $"{directory.Name}/target", "-s", Settings(0).Settings);
        await byok.Input.WriteAsync(half);
        await byok.Input.FlushAsync();
        await ByokWorld.UntilAsync(() => directory.GetFiles() is [{ Length: > 100_000 }], "nothing was written");

        await byok.InterruptAsync();
        var result = await byok.EndAsync(closeInput: false);

        Assert.That((result.Code, result.Output, result.Error), Is.EqualTo((130, "", $"byok: Cancelled.{Environment.NewLine}")));
        Assert.That(directory.GetFiles(), Is.Empty);
    }

    private (string Settings, string NextSettings, string Name) Settings(int type)
    {
        var settings = _report.GetProperty("settings")[type];
        return (
            PathOf(settings.GetProperty("settings").GetString()!),
            PathOf(settings.GetProperty("nextSettings").GetString()!),
            settings.GetProperty("credentialsType").GetString()!);
    }

    private string PathOf(string name) => Path.Combine(_directory.FullName, name);

    private async Task<CliResult> RunAsync(int code, params string[] args)
    {
        var result = await (_isHere ? _world.RunAsync(args) : ByokProcess.RunAsync(_directory.FullName, args));
        Assert.That(result.Code, Is.EqualTo(code), $"byok {string.Join(' ', args)}\n{result}");
        Assert.That(result.Error, code == 6 ? Does.StartWith("byok: ") : Is.Empty);
        return result;
    }

    private async Task DecryptAndCompareAsync(string from, string to, string settings, string name, Dictionary<string, string> hashes)
    {
        await RunAsync(0, "decrypt", from, "-o", to, "-c", $"customer={name}", "-s", settings);
        var files = new DirectoryInfo(to).GetFiles();
        Assert.That(files.Select(file => file.Name), Is.EquivalentTo(hashes.Keys.Select(Path.GetFileName)));
        foreach (var file in files)
        {
            Assert.That(await HashAsync(file.FullName), Is.EqualTo(hashes[$"{name}/{file.Name}"]), file.Name);
        }

        Directory.Delete(to, recursive: true);
    }

    /// <summary>byok health --watch sees the key disabled and enabled, and Ctrl+C ends it with the last answer's exit code.</summary>
    private async Task WatchAsync(string settings)
    {
        using var http = new HttpClient();
        using var watch = ByokProcess.Start(_directory.FullName, "health", "--watch", "--interval", "0.1", "-s", settings);

        Assert.That(await watch.Output.ReadLineAsync(), Does.Contain("Healthy (Enabled)"));
        (await http.PostAsync(_report.GetProperty("disableKey").GetString(), content: null)).EnsureSuccessStatusCode();
        try
        {
            Assert.That(await watch.Output.ReadLineAsync(), Does.Contain("Unhealthy (Disabled)"));
            Assert.That(await watch.Output.ReadLineAsync(), Does.Contain("KeyDisabled (Customer)"));
            await RunAsync(4, "health", "-s", settings);
        }
        finally
        {
            (await http.PostAsync(_report.GetProperty("enableKey").GetString(), content: null)).EnsureSuccessStatusCode();
        }

        Assert.That(await watch.Output.ReadLineAsync(), Does.Contain("Healthy (Enabled)"));

        await watch.InterruptAsync();
        Assert.That((await watch.EndAsync(closeInput: false)).Code, Is.Zero);
    }

    private async Task<string> CreateAsync(string file, int length)
    {
        var path = PathOf(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, RandomNumberGenerator.GetBytes(length));
        return await HashAsync(path);
    }

    private static async Task<string> HashAsync(string path)
    {
        await using var stream = File.OpenRead(path);
        return Convert.ToHexString(await SHA256.HashDataAsync(stream));
    }
}
