using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Fleet.Demo;

/// <summary>A process of the host, as the demonstration sees it.</summary>
internal sealed class InstanceProcess : IAsyncDisposable
{
    private const int KeptLines = 20;

    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentDictionary<(ReportKind Kind, string Tenant), Report> _last = new();
    private readonly ConcurrentDictionary<string, Report> _states = new();
    private readonly Process _process;

    /// <param name="settings">The configuration. Passed in the environment, because it contains secrets.</param>
    public InstanceProcess(IReadOnlyDictionary<string, string?> settings)
    {
        var program = Path.Combine(AppContext.BaseDirectory, $"{typeof(InstanceProcess).Assembly.GetName().Name}.dll");
        var dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(dotnet, [program, Instance.Argument])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        foreach (var (key, value) in settings)
        {
            _process.StartInfo.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    public bool IsReady { get; private set; }

    /// <summary>The last lines that the process wrote to its log.</summary>
    public string Errors => string.Join(Environment.NewLine, _errors);

    /// <summary>The last report of a kind about a tenant; null if there is none.</summary>
    public Report? Last(ReportKind kind, string tenant) => _last.GetValueOrDefault((kind, tenant));

    /// <summary>Whether the tenant's key can be used: the last report of <see cref="ReportKind.Served"/> or refused.</summary>
    public Report? StateOf(string tenant) => _states.GetValueOrDefault(tenant);

    /// <summary>Lets the process call InvalidateAsync.</summary>
    public async Task InvalidateAsync(string tenant)
    {
        await _process.StandardInput.WriteLineAsync(tenant);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Kills the process as kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks the process to end, and kills it if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        var report = JsonSerializer.Deserialize<Report>(line)!;
        IsReady |= report.Kind == ReportKind.Ready;
        _last[(report.Kind, report.Tenant)] = report;
        if (report.Kind is ReportKind.Served or ReportKind.Refused)
        {
            _states[report.Tenant] = report;
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _errors.Enqueue(line);
            while (_errors.Count > KeptLines)
            {
                _errors.TryDequeue(out _);
            }
        }
    }
}
