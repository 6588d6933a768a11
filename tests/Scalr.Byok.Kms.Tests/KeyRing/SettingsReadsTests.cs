using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>How often the settings of one tenant are read after denials.</summary>
[CancelAfter(60_000)]
internal sealed class SettingsReadsTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _disposed = new();
    private int _reads;

    [OneTimeTearDown]
    public void Stop() => _disposed.Dispose();

    [Test]
    public async Task Settings_that_were_read_a_moment_ago_count_as_unchanged()
    {
        var reads = new SettingsReads(_time, new SharedWork(_disposed.Token), _time.GetTimestamp());

        var early = await reads.Join(ReadAsync);
        _time.Advance(Interval - TimeSpan.FromTicks(1));
        early |= await reads.Join(ReadAsync);
        var before = _reads;
        _time.Advance(TimeSpan.FromTicks(1));
        var due = await reads.Join(ReadAsync);
        var again = await reads.Join(ReadAsync);
        var forced = await reads.Join(ReadAsync, isDue: true);

        Assert.That((early, before), Is.EqualTo((false, 0)));
        Assert.That((due, again, forced, _reads), Is.EqualTo((true, false, true, 2)));
    }

    private Task<bool> ReadAsync()
    {
        Interlocked.Increment(ref _reads);
        return Task.FromResult(true);
    }
}
