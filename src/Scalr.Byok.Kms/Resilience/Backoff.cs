using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>When to try again after failures: the pause doubles with each. Guarded by its owner's lock.</summary>
internal struct Backoff
{
    private static readonly long First = TimeSpan.FromSeconds(1).Ticks;

    private readonly long _longest;
    private readonly bool _jitters;
    private long _pause;

    /// <param name="longest">The longest pause. The first takes 1 second, or this if it is shorter.</param>
    /// <param name="jitters">Whether a pause is up to a fifth shorter by chance, so that rings do not act in step.</param>
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
        _pause = Math.Min(_pause == 0 ? First : 2 * _pause, _longest);
        Until = now + (_jitters ? _pause * RandomNumberGenerator.GetInt32(800, 1001) / 1000 : _pause);
    }

    public void Reset()
    {
        _pause = 0;
        Until = long.MinValue;
    }
}
