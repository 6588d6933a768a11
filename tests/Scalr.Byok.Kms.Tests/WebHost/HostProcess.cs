using System.Diagnostics;
using Scalr.Byok.Kms.Tests.World;
using WebHost;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A process of the sample's host, which a test kills.</summary>
internal sealed class HostProcess : IDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HostProcess(IEnumerable<string> arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, $"{typeof(WebHostApplication).Assembly.GetName().Name}.dll");
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [program, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                // It lives for seconds: better code and a heap per core cost more than they give.
                Environment = { ["DOTNET_TC_CallCounting"] = "0", ["DOTNET_gcServer"] = "0" },
            },
        };
        _process.OutputDataReceived += (_, line) => ReadAddress(line.Data);
        _process.ErrorDataReceived += (_, line) => Errors += line.Data;
        _process.Start();
        ChildProcess.Limit(_process);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What the process wrote as errors.</summary>
    public string Errors { get; private set; } = "";

    /// <summary>Waits until the host listens. Fails after a minute, or if the process ends.</summary>
    /// <returns>Its address.</returns>
    public async Task<Uri> UntilListeningAsync()
    {
        Assert.That(await TryListenAsync(), Is.True, () => $"The host does not listen. {Errors}");
        return await _address.Task;
    }

    /// <summary>Waits until the host listens.</summary>
    /// <returns>False if the process ended, or after a minute.</returns>
    public async Task<bool> TryListenAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        return await Task.WhenAny(_address.Task, _process.WaitForExitAsync(limit.Token)) == _address.Task;
    }

    /// <summary>Waits for a time. The process must not end before.</summary>
    public async Task WaitAsync(TimeSpan time)
    {
        using var limit = new CancellationTokenSource(time);
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(_process.HasExited, Is.False, Errors);
    }

    /// <summary>Ends the process as kill -9 does.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    private void ReadAddress(string? line)
    {
        if (line?.Split(' ') is ["Open", var address, ..])
        {
            _address.TrySetResult(new Uri(address));
        }
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
