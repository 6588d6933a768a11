using Byok.Cli;
using Byok.Cli.Local;
using Byok.Cli.Output;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>
/// The demo customer of byok local, an empty directory, and byok itself, in this process: no test here changes what the process is.
/// </summary>
internal sealed class CliWorld : IAsyncDisposable
{
    private CliWorld(DemoCustomer demo) => Demo = demo;

    public DemoCustomer Demo { get; }

    public DirectoryInfo Directory { get; } = System.IO.Directory.CreateTempSubdirectory("byok-cli-");

    /// <summary>By credentials type: access keys, assumed role, OIDC.</summary>
    public IReadOnlyList<DemoSettings> Settings { get; private set; } = [];

    /// <summary>The settings file with access keys.</summary>
    public string KeySettings => Settings[0].Settings;

    /// <summary>Standard input.</summary>
    public Stream Input { get; set; } = Stream.Null;

    /// <summary>Whether a person is there; standard input is a terminal, too, unless <see cref="Input"/> is set.</summary>
    public bool AtTerminal { get; set; }

    public int Width { get; set; } = 120;

    /// <summary>Whether the terminal can move its cursor.</summary>
    public bool CanDraw { get; set; }

    /// <summary>In place of the environment variables.</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>What standard error is, where it has to answer prompts.</summary>
    public IAnsiConsole? Error { get; set; }

    public static async Task<CliWorld> StartAsync()
    {
        var world = new CliWorld(await DemoCustomer.StartAsync());
        world.Settings = await new DemoFiles(world.Demo, world.PathOf("settings")).WriteAsync(CancellationToken.None);
        return world;
    }

    public string PathOf(string name) => Path.Combine(Directory.FullName, name);

    public async Task<string> WriteAsync(string name, byte[] content)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        await File.WriteAllBytesAsync(PathOf(name), content);
        return PathOf(name);
    }

    /// <summary>The files in the directory but for the settings, by their names from there.</summary>
    public IEnumerable<string> Files() => Directory.EnumerateFiles("*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Directory.FullName, file.FullName).Replace('\\', '/'))
        .Where(file => !file.StartsWith("settings/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    public Task<CliResult> RunAsync(params string[] args) => RunAsync(args, CancellationToken.None);

    public async Task<CliResult> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var data = new MemoryStream();
        var told = 0;
        var terminal = new Terminal(Console(output), Error ?? Console(error), () => Input, () =>
        {
            told = error.GetStringBuilder().Length;
            return data;
        })
        {
            InputIsTerminal = AtTerminal && Input == Stream.Null,
            OutputIsTerminal = AtTerminal,
            ErrorIsTerminal = AtTerminal,
        };
        var environment = new ConfigurationBuilder().AddInMemoryCollection(Environment).Build();
        var code = await new CommandLine(new CliContext(terminal, environment, Time)).RunAsync(args, cancellationToken);
        return new CliResult(code, output.ToString(), error.ToString(), data.ToArray(), error.ToString()[told..]);
    }

    public async ValueTask DisposeAsync()
    {
        await Demo.DisposeAsync();
        Directory.Delete(recursive: true);
    }

    private IAnsiConsole Console(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = CanDraw ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = CanDraw ? InteractionSupport.Yes : InteractionSupport.No,
        });
        console.Profile.Width = AtTerminal ? Width : 100_000;
        return console;
    }
}
