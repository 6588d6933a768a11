using System.Collections.Concurrent;
using System.Diagnostics;

namespace Reencryption.Demo;

/// <summary>A process that runs moves, and another one after each kill.</summary>
internal sealed class RunnerProcess : IDisposable
{
    private const int KeptLines = 50;

    private readonly string _database;
    private readonly ConcurrentQueue<string> _lines = new();
    private Process _process;

    /// <param name="database">The connection string. Passed in the environment, because it may contain a password.</param>
    /// <param name="args">The rest of the configuration.</param>
    public RunnerProcess(string database, IEnumerable<string> args)
    {
        _database = database;
        _process = Start(args);
    }

    /// <summary>The last lines that the process wrote.</summary>
    public string Output => string.Join(Environment.NewLine, _lines);

    public bool HasExited => _process.HasExited;

    /// <summary>Kills the process as kill -9 does.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
    }

    /// <summary>Kills the process, and starts another one.</summary>
    /// <param name="args">The configuration of the other one.</param>
    public async Task RestartAsync(IEnumerable<string> args)
    {
        await KillAsync();
        _process.Dispose();
        _process = Start(args);
    }

    /// <summary>Asks the process to end, and kills it if it does not.</summary>
    public async Task StopAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await KillAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private Process Start(IEnumerable<string> args)
    {
        var program = Path.Combine(AppContext.BaseDirectory, $"{typeof(RunnerProcess).Assembly.GetName().Name}.dll");
        var dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(dotnet, [program, Runner.Argument, .. args])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["Database"] = _database },
            },
        };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
            while (_lines.Count > KeptLines)
            {
                _lines.TryDequeue(out _);
            }
        }
    }
}
