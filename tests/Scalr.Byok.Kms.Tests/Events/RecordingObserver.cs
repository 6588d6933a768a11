using System.Collections.Concurrent;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>Keeps each event, and when it came.</summary>
internal sealed class RecordingObserver(TimeProvider time) : IByokKeyObserver
{
    private readonly ConcurrentQueue<(ByokKeyEvent Event, DateTimeOffset At)> _events = new();

    public IReadOnlyList<ByokKeyEvent> Events => [.. _events.Select(one => one.Event)];

    public IReadOnlyList<DateTimeOffset> Times => [.. _events.Select(one => one.At)];

    /// <summary>The kinds and codes, in order.</summary>
    public IReadOnlyList<string> Seen => [.. Events.Select(one => $"{one.Kind} {one.Code}")];

    public static string[] List(params string[] expected) => expected;

    public Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken)
    {
        _events.Enqueue((keyEvent, time.GetUtcNow()));
        return Task.CompletedTask;
    }

    /// <summary>Returns the event with this number once it is there.</summary>
    public async Task<ByokKeyEvent> NextAsync(int number = 1)
    {
        await ByokWorld.UntilAsync(() => _events.Count >= number, $"event {number} did not come");
        return Events[number - 1];
    }
}
