using System.Diagnostics;
using System.Globalization;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>
/// The time from the start of a process to its first encrypted byte goes into compiling methods. Their number is the same on each machine.
/// </summary>
internal sealed class StartTests
{
    // About 10 % above what the library needs.
#if DEBUG
    private const int MostMethods = 960;
#else
    private const int MostMethods = 1150;
#endif

    private ByokWorld _world = null!;

    [OneTimeSetUp]
    public async Task Start() => _world = await ByokWorld.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _world.DisposeAsync();

    [Test]
    public async Task A_process_compiles_few_methods_before_its_first_encrypted_byte()
    {
        var (sdk, library) = (await CountMethodsAsync("sdk"), await CountMethodsAsync("library"));

        TestContext.Out.WriteLine($"The AWS SDK alone compiles {sdk} methods, the library {library}.");
        Assert.That(
            library - sdk,
            Is.LessThan(MostMethods),
            "iterators, queries and collections over structs of the library, and asynchronous methods, cost most: see ARCHITECTURE.md");
    }

    private async Task<int> CountMethodsAsync(string what)
    {
        ProcessStartInfo start = new(
            Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "Scalr.Byok.Kms.Starter.dll"),
                what, _world.Aws.Endpoint.AbsoluteUri, _world.Key.Arn, _world.AccessKey.AccessKeyId, _world.AccessKey.SecretAccessKey,
            ])
        {
            RedirectStandardOutput = true,
        };

        // On a slow machine, the runtime would compile some methods a second time.
        start.Environment["DOTNET_TC_CallCounting"] = "0";
        using var process = ChildProcess.Start(start);
        var line = await process.StandardOutput.ReadLineAsync();
        await process.WaitForExitAsync();
        return int.Parse(line!.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
