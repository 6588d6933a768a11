using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Listens to the library as a host would: keeps every measurement and every activity that ended while it is there.</summary>
/// <remarks>Instruments are static: a fixture that reads what others also measure must not run beside them.</remarks>
internal sealed class TelemetryRecord : IDisposable
{
    private readonly MeterListener _meters = new();
    private readonly ActivityListener? _activities;
    private readonly ConcurrentQueue<Measured> _measured = new();
    private readonly ConcurrentQueue<Activity> _ended = new();

    public TelemetryRecord(bool traces = true)
    {
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == ByokTelemetry.MeterName)
            {
                Instruments.Enqueue(instrument);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.Start();
        if (traces)
        {
            _activities = new ActivityListener
            {
                ShouldListenTo = source => source.Name == ByokTelemetry.ActivitySourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _ended.Enqueue,
            };
            ActivitySource.AddActivityListener(_activities);
        }
    }

    public ConcurrentQueue<Instrument> Instruments { get; } = new();

    public IReadOnlyList<Activity> Activities => [.. _ended];

    /// <summary>Everything that was told, as text.</summary>
    public IEnumerable<string> Texts => _measured.Select(one => one.ToString()).Concat(_ended.SelectMany(TextsOf));

    /// <summary>What is expected, one by one.</summary>
    public static T[] Each<T>(params T[] expected) => expected;

    /// <summary>
    /// The measurements of an instrument, each as its attributes' values, in the order of the attributes' names, and the value.
    /// </summary>
    public IReadOnlyList<(string Attributes, double Value)> Of(string instrument) =>
        [.. _measured.Where(one => one.Instrument == instrument).Select(
            one => (string.Join(" ", one.Tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => tag.Value)), one.Value))];

    /// <summary>The sum of a counter for these attributes.</summary>
    public double Sum(string instrument, string attributes = "") =>
        Of(instrument).Where(one => one.Attributes == attributes).Sum(one => one.Value);

    /// <summary>What the observable instruments say at this moment.</summary>
    public double Observe(string instrument, string attributes)
    {
        var before = Of(instrument).Count;
        _meters.RecordObservableInstruments();
        return Of(instrument).Skip(before).Single(one => one.Attributes == attributes).Value;
    }

    public IReadOnlyList<string> AttributeNames(string instrument) =>
        [.. _measured.Where(one => one.Instrument == instrument)
            .SelectMany(one => one.Tags.Select(tag => tag.Key))
            .Distinct()
            .Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        _meters.Dispose();
        _activities?.Dispose();
    }

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Enqueue(new Measured(instrument.Name, value, tags.ToArray()));

    private static IEnumerable<string> TextsOf(Activity activity)
    {
        yield return $"{activity.OperationName} {activity.DisplayName} {activity.StatusDescription}";
        foreach (var tag in activity.TagObjects.Concat(activity.Events.SelectMany(e => e.Tags))
            .Concat(activity.Links.SelectMany(link => link.Tags ?? [])))
        {
            yield return $"{activity.OperationName} {tag.Key}={tag.Value}";
        }

        yield return string.Join(";", activity.Baggage.Select(pair => $"{pair.Key}={pair.Value}"));
    }

    private sealed record Measured(string Instrument, double Value, KeyValuePair<string, object?>[] Tags)
    {
        public override string ToString() =>
            string.Create(
                CultureInfo.InvariantCulture, $"{Instrument} {Value} {string.Join("; ", Tags.Select(tag => $"{tag.Key}={tag.Value}"))}");
    }
}
