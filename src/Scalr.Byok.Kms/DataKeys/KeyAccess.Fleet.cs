using System.Security.Cryptography;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <content>What the answers of AWS to other instances of the host permit here.</content>
/// <remarks>
/// <para>
/// The cache is not trusted, and an instance with the secret may be faulty. So no entry extends anything beyond what this instance's own
/// requests permit: fact 1 ends MaxAge after this instance's own acceptance (<see cref="Adopt"/>), in an outage only own acceptances count
/// (<see cref="OwnAcceptedFor"/>), and fact 2 ends one hour after the start of this instance's own session, or with the session
/// (<see cref="AdoptSession"/>). No entry clears a denial.
/// </para>
/// <para>Without <c>ShareConfirmations</c>, the field is null and nothing here runs.</para>
/// </remarks>
internal sealed partial class KeyAccess
{
    /// <summary>How long an own session is enough evidence for the sessions of other instances to count.</summary>
    private static readonly long OwnSessionLifetime = TimeSpan.FromHours(1).Ticks;

    /// <summary>A use that has its facts for longer than this can wait for the answer that another instance has asked for.</summary>
    private static readonly long EnoughTime = TimeSpan.FromSeconds(3).Ticks;

    private readonly FleetKey? _fleet;

    // The newest session of another instance that counts for fact 2. Guarded by the lock, as is the number below.
    private long _fleetSession = Moment.Never.Ticks;

    // While another instance asks, background requests wait until then.
    private long _askAfter = long.MinValue;

    /// <summary>
    /// The share of a limit from which facts are requested. It is nearly the same in all instances, so that the first one asks about as
    /// early as a single instance would, and differs from key to key. The random part decides which instance is the first.
    /// </summary>
    private static double ShareOf(FleetKey fleet, double from) =>
        from + ((0.8 - from) * fleet.Position) + RandomShare(0, 0.12);

    /// <summary>When AWS last accepted a kms:Decrypt of this instance itself, in ticks of <see cref="AgeClock"/>.</summary>
    public long OwnAcceptance
    {
        get
        {
            lock (_gate)
            {
                return OwnAcceptedFor(KeyUse.Read);
            }
        }
    }

    /// <summary>Whether an acceptance of another instance, or its request under way, replaces the request of this one.</summary>
    private async Task<bool> IsAnsweredByFleetAsync(FleetKey fleet, int action, Seen seen)
    {
        // An instance that does not reach the key's own Region is served by a replica. That says nothing about the own Region, which may
        // deny, so it counts only for instances that replica has served, too. With FailoverOnRevokedReplica, any Region decides.
        int lastRegion;
        lock (_gate)
        {
            lastRegion = _key.FailsOverOnDenial ? int.MaxValue : _facts[action].Region;
        }

        if (await fleet.ReadAsync(Operations[action], lastRegion).ConfigureAwait(false) is { } found)
        {
            lock (_gate)
            {
                var now = _clock.Now;
                if (seen.Denial is null && Adopt(action, found, now) && AcceptedFor(seen.Use) > seen.Accepted)
                {
                    return true;
                }

                // Only while all uses have the fact for a while. So a request of another instance delays no use and extends nothing.
                if (found.IsAsked && seen.Denial is null && now - AcceptedFor(seen.Use) < _limits.Interval - EnoughTime)
                {
                    Volatile.Write(ref _askAfter, now + TimeSpan.TicksPerSecond);
                    return true;
                }
            }
        }

        fleet.ShareAsking();
        return false;
    }

    /// <summary>Whether the role was checked by another instance, so that this one begins no session.</summary>
    private async Task<bool> IsRoleCheckedByFleetAsync(FleetKey fleet)
    {
        if (await fleet.ReadSessionAsync().ConfigureAwait(false) is not { } found)
        {
            return false;
        }

        lock (_gate)
        {
            return AdoptSession(found, _clock.Now);
        }
    }

    /// <summary>Takes an acceptance of another instance for fact 1, if it is newer than what is known and young enough.</summary>
    private bool Adopt(int action, in FleetKey.Found found, long now)
    {
        var facts = _facts[action];
        var own = facts.Accepted.Ticks;

        // An entry clears no denial of this instance. A denial by AWS of another instance is a hint: this instance asks itself.
        if (facts.Denial is not null || _facts[1 - action].Denial is { IsOfKey: true } || found.Denied > own)
        {
            return false;
        }

        // Never so new that the fact would last longer than MaxAge after this instance's own acceptance.
        var accepted = Math.Min(found.Accepted, own + _limits.MaxAge - _limits.Interval);
        if (accepted <= facts.AcceptedTicks || now - accepted >= _limits.Interval * _ahead)
        {
            return false;
        }

        facts.Adopt(accepted);
        Volatile.Write(ref _confirmAhead, _ahead);
        return true;
    }

    /// <summary>Takes the start of another instance's session for fact 2, while this instance has a session of its own.</summary>
    private bool AdoptSession(in FleetKey.Found found, long now)
    {
        if (_key.NewestSession is not { } own || now >= _sessionRenewal || found.Denied > own.Begun.Ticks
            || _facts[Encrypt].Denial is not null || _facts[Decrypt].Denial is not null)
        {
            return false;
        }

        var begun = Math.Min(found.Accepted, own.Begun.Ticks + OwnSessionLifetime - _limits.RoleInterval);
        if (begun <= _sessionBegun || now - begun >= _limits.RoleInterval * _ahead)
        {
            return false;
        }

        _fleetSession = begun;
        PublishSession();
        return true;
    }

    /// <summary>When AWS last accepted a request of this instance itself. In an outage nothing else counts.</summary>
    private long OwnAcceptedFor(KeyUse use) => use == KeyUse.Read
        ? _facts[Decrypt].Accepted.Ticks
        : Math.Max(_facts[Decrypt].Accepted.Ticks, _facts[Encrypt].Accepted.Ticks);

    /// <summary>Shares an acceptance, and the session under which it was made.</summary>
    private void Share(int action, int region, Moment sent)
    {
        _fleet?.ShareAcceptance(Operations[action], region, sent);
        ShareSession();
    }

    private void ShareSession()
    {
        if (_fleet is not null && _key.NewestSession is { } session)
        {
            _fleet.ShareSession(session.Begun);
        }
    }
}
