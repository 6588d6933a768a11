using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Scalr.Byok.Kms;

namespace WebHost.Telemetry;

/// <summary>Sums of the library's metrics in this process, for the operator's page.</summary>
public sealed class KeyMetrics : IHostedService, IDisposable
{
    private static readonly string[] Attributes = ["aws.operation", "cloud.region", "outcome", "cache", "state", "reason", "kind"];

    private readonly ConcurrentDictionary<string, long> _sums = new();
    private readonly MeterListener _listener = new();

    /// <summary>The sums by name and attributes.</summary>
    public IEnumerable<(string Name, long Value)> Sums =>
        _sums.OrderBy(sum => sum.Key, StringComparer.Ordinal).Select(sum => (sum.Key, sum.Value));

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == ByokTelemetry.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Add(instrument, 1, tags)); // durations are counted
        _listener.Start();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var name = instrument.Name;
        foreach (var tag in tags)
        {
            if (Attributes.Contains(tag.Key))
            {
                name += $", {tag.Value}";
            }
        }

        _sums.AddOrUpdate(name, value, (_, sum) => sum + value);
    }
}
