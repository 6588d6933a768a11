using System.Diagnostics;
using Byok.Cli;
using Scalr.Byok.Kms.Tests.World;

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

    /// <summary>Whether the environment variable names a binary, which has other code than these tests.</summary>
    public static bool IsNative => Command.Count == 1;

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

        return new ByokProcess(ChildProcess.Start(start));
    }

    /// <summary>Runs it to its end, with nothing to read.</summary>
    public static async Task<CliResult> RunAsync(string directory, params string[] args)
    {
        using var byok = Start(directory, args);
        return await byok.EndAsync();
    }

    /// <summary>Whether the process ignores Ctrl+C, as one does whose tests were started in the background of a shell.</summary>
    public bool IgnoresInterrupt
    {
        get
        {
            const string Ignored = "SigIgn:";
            var status = $"/proc/{_process.Id}/status";
            var line = File.Exists(status)
                ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal))
                : null;
            return line is not null && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) & 2) != 0;
        }
    }

    /// <summary>Sends what Ctrl+C sends.</summary>
    public async Task InterruptAsync()
    {
        using var kill = ChildProcess.Start(
            new ProcessStartInfo("kill", ["-INT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]));
        await kill.WaitForExitAsync();
    }

    /// <summary>Closes its input and waits. A process that does not end within two minutes is killed.</summary>
    public async Task<CliResult> EndAsync(bool closeInput = true)
    {
        if (closeInput)
        {
            _process.StandardInput.Close();
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var kill = limit.Token.Register(_process.Kill);
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
