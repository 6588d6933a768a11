using System.Diagnostics;
using Byok.Cli;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok as a process: the binary that the environment variable BYOK_CLI names, or what was built beside these tests.</summary>
internal sealed class ByokProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private ByokProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The command, without its arguments.</summary>
    public static IReadOnlyList<string> Command { get; } = Environment.GetEnvironmentVariable("BYOK_CLI") is { Length: > 0 } binary
        ? [binary]
        : ["dotnet", typeof(CommandLine).Assembly.Location];

    public StreamReader Output => _process.StandardOutput;

    public Stream Input => _process.StandardInput.BaseStream;

    public static ByokProcess Start(string directory, params string[] args)
    {
        var start = new ProcessStartInfo(Command[0])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var arg in Command.Skip(1).Concat(args))
        {
            start.ArgumentList.Add(arg);
        }

        return new ByokProcess(Process.Start(start)!);
    }

    /// <summary>Runs it to its end, with nothing to read.</summary>
    public static async Task<CliResult> RunAsync(string directory, params string[] args)
    {
        using var byok = Start(directory, args);
        return await byok.EndAsync();
    }

    /// <summary>What Ctrl+C sends.</summary>
    public async Task InterruptAsync()
    {
        using var kill = Process.Start("kill", ["-INT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Closes its input and waits.</summary>
    public async Task<CliResult> EndAsync(bool closeInput = true)
    {
        if (closeInput)
        {
            _process.StandardInput.Close();
        }

        using var data = new MemoryStream();
        await Output.BaseStream.CopyToAsync(data);
        await _process.WaitForExitAsync();
        return new CliResult(_process.ExitCode, System.Text.Encoding.UTF8.GetString(data.ToArray()), await _error, data.ToArray());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
