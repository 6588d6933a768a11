using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>The pause after failures, which doubles with each failure. Guarded by the owner's lock.</summary>
internal struct Backoff
{
    // From ARCHITECTURE.md, "Denials" and "Outages".
    private static readonly long First = TimeSpan.FromSeconds(1).Ticks;

    private readonly long _longest;
    private readonly bool _jitters;

    // Mutable: an owner whose field is read-only would change a copy, and the pause would never grow.
    private long _pause;

    /// <param name="longest">The longest pause. The first pause is 1 second, or this if it is shorter.</param>
    /// <param name="jitters">Whether a pause is randomly reduced by up to a fifth, so that rings do not act at the same time.</param>
    public Backoff(TimeSpan longest, bool jitters)
    {
        _longest = longest.Ticks;
        _jitters = jitters;
        Until = long.MinValue;
    }

    /// <summary>When the pause ends, in ticks of <see cref="AgeClock"/>.</summary>
    public long Until { get; private set; }

    public void Fail(long now)
    {
        // The bound applies to the stored pause, so the doubling cannot overflow.
        _pause = Math.Min(_pause == 0 ? First : 2 * _pause, _longest);

        // Random values only shorten the pause, so the longest pause stays a limit.
        Until = now + (_jitters ? _pause * RandomNumberGenerator.GetInt32(800, 1001) / 1000 : _pause);
    }

    public void Reset()
    {
        _pause = 0;
        Until = long.MinValue;
    }
}
