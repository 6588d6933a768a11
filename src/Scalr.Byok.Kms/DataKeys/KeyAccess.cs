using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// Decides whether the plaintext data keys under one wrapping key may be used: only if AWS accepted the wrapping key recently. Safe for
/// concurrent use.
/// </summary>
/// <remarks>
/// ARCHITECTURE.md, "Key use", has the rules. This file has the facts and the decision. KeyAccess.Asking.cs requests missing facts.
/// KeyAccess.Calls.cs makes the calls that fetch data keys, whose answers are facts too. KeyAccess.Fleet.cs takes facts that other
/// instances of the host have shared. One lock guards all state. The numbers that each use reads are also published without the lock: a
/// stale number is an older fact, which never permits more.
/// </remarks>
internal sealed partial class KeyAccess
{
    private const int Encrypt = 0;
    private const int Decrypt = 1;

    private static readonly string[] Operations = [AwsAction.Encrypt, AwsAction.Decrypt];

    private readonly KmsKey _key;
    private readonly IPlaintextKeys _keys;
    private readonly KeyUseLimits _limits;
    private readonly AgeClock _clock;
    private readonly SharedWork _work;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Facts[] _facts = [new(), new()]; // by action

    // Created by the first denial: most keys are never denied.
    private Erasures? _erasures;

    /// <summary>
    /// The share of a limit from which a use requests the next fact in the background. Random per ring, so that rings do not all ask at the
    /// same time.
    /// </summary>
    private readonly double _ahead;

    // The same for confirmations. Drawn under the lock, and read without it.
    private double _confirmAhead;

    // The times of the newest session (PublishSession). Written under the lock, and read without it by each use.
    private long _sessionBegun = Moment.Never.Ticks;
    private long _sessionExpires = long.MinValue;
    private long _sessionRenewal = long.MinValue;

    // The last failed attempts: of requests to AWS KMS and of role checks. An acceptance or a new session clears them.
    private Failure? _failure;
    private Failure? _roleFailure;
    private Backoff _pause;
    private Backoff _rolePause;

    // For key events only. Unlike _failure, it includes failed calls and attempts that sent nothing, and it permits no use.
    private Failure? _outage;

    // Null without observers of key events: nothing is done for them then. Called without the lock.
    private IKeyListener? _listener;

    /// <param name="key">The wrapping key. Not owned.</param>
    /// <param name="keys">Holds the plaintext data keys.</param>
    /// <param name="limits">The lifetimes of the facts.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="work">Starts requests in the background, and ends them when the ring is disposed.</param>
    public KeyAccess(KmsKey key, IPlaintextKeys keys, KeyUseLimits limits, AgeClock clock, ILogger logger, SharedWork work)
    {
        _key = key;
        _keys = keys;
        _limits = limits;
        _clock = clock;
        _work = work;
        _logger = logger;
        _fleet = key.Fleet;
        _ahead = _fleet is null ? RandomShare(0.6, 0.8) : ShareOf(_fleet, 0.6);

        // The longest pause in an outage (ARCHITECTURE.md, "Outages").
        var longestPause = TimeSpan.FromTicks(Math.Min(TimeSpan.FromSeconds(15).Ticks, limits.Interval));
        _pause = new Backoff(longestPause, jitters: true);
        _rolePause = new Backoff(longestPause, jitters: true);

        // One Region alone is always tried.
        if (key.Regions.Count > 1)
        {
            key.TrialDue = operation => StartTrial(IndexOf(operation));
        }
    }

    public KmsKey Key => _key;

    /// <summary>What runs in the background for the ring.</summary>
    public SharedWork Work => _work;

    /// <summary>What AWS last said about the key, for key events.</summary>
    public KeyState State
    {
        get
        {
            lock (_gate)
            {
                if ((_facts[Decrypt].Denial ?? _facts[Encrypt].Denial) is { } denial)
                {
                    return new KeyState(denial.Error, UsableFor: null, IsAccepted: false);
                }

                // A session that was requested after the failure shows that sessions can begin again.
                var role = _key.NewestSession is { } session && session.Begun.IsAfter(_roleFailure?.Begun ?? Moment.Never)
                    ? null
                    : _roleFailure;
                var accepted = AcceptedFor(KeyUse.Write);
                return new KeyState(
                    (_outage ?? role)?.Error, UsableFor(_outage, role, accepted), IsAccepted: accepted != Moment.Never.Ticks);
            }
        }
    }

    /// <summary>Sets what hears of each answer of AWS. Called before the first use.</summary>
    public void Listen(IKeyListener listener) => _listener = listener;

    /// <summary>Whether a data key may be used now. Requests in the background the facts that expire soon.</summary>
    /// <param name="use">The use.</param>
    /// <param name="origin">
    /// The origin of the data key, which must have been accepted within <c>MaxAge</c>. Null if the owner of the key checks that.
    /// </param>
    /// <param name="now">The time.</param>
    public bool Permits(KeyUse use, Origin? origin, long now)
    {
        // A use with fresh facts takes no lock: each message, segment and value comes here. Deny publishes a denial before it erases keys.
        var seen = See(use);
        if (seen.Denial is not null)
        {
            return false;
        }

        // Ages are measured at the use, so a timer that fires late and a suspended machine extend nothing.
        var age = now - seen.Accepted;
        var isRoleFresh = !_key.HasRole || IsRoleFresh(now);
        if (age < _limits.Interval && isRoleFresh && (origin is null || now - origin.Accepted < _limits.MaxAge))
        {
            // Requested ahead of time, so that a busy ring never waits. If the request fails, the facts still permit the use.
            if (age >= _limits.Interval * Volatile.Read(ref _confirmAhead))
            {
                StartConfirmation(seen, origin, now);
            }

            if (_key.HasRole && IsRoleCheckDue(now))
            {
                StartRoleCheck(seen, now);
            }

            return true;
        }

        return PermitsInOutage(use, origin, now, began: null);
    }

    /// <summary>Requests the facts that a use lacks, and waits for them.</summary>
    /// <param name="use">The use.</param>
    /// <param name="origin">As in <see cref="Permits"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ByokKeyUnavailableException">AWS denies the use.</exception>
    /// <exception cref="ByokServiceException">AWS gave no usable answer, and the last acceptance has expired.</exception>
    public async ValueTask EnsureAsync(KeyUse use, Origin? origin, CancellationToken cancellationToken)
    {
        if (Permits(use, origin, _clock.Now))
        {
            return;
        }

        // At most four rounds: a confirmation of the other action may be under way, and key and role may be confirmed one after the other.
        var began = _clock.Mark(); // facts requested from here on serve this use, even if their answers are slow
        ByokException? error = null;
        for (var round = 0; round < 4; round++)
        {
            var seen = See(use);
            if (seen.Denial is { } denial)
            {
                // After a denial, one caller per pause asks AWS and the others fail at once. Otherwise each call would cost a request for a
                // disabled key.
                if (!TryClaimTrial(denial))
                {
                    throw denial.ToException();
                }

                await ConfirmAsync(seen, origin).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (DenialOf(use) is { } still)
                {
                    throw still.ToException();
                }
            }

            // Read again in each round: the wait before may have taken long.
            var now = _clock.Now;
            if (IsPermittedSince(use, origin, now, began))
            {
                return;
            }

            // An attempt under way may have begun before this use, so its failure proves nothing for it.
            var isShared = IsConfirming || IsCheckingRole || origin?.Renewal is not null;
            var failure = await ObtainAsync(seen, origin, now, began, cancellationToken).ConfigureAwait(false);
            error = failure ?? error;
            if (failure is ByokServiceException && !isShared)
            {
                // In an outage another round would only send the same request again.
                break;
            }
        }

        // A denial that arrived in the last round says more than that round's error.
        if (DenialOf(use) is { } last)
        {
            throw last.ToException();
        }

        if (!IsPermittedSince(use, origin, _clock.Now, began))
        {
            // Copied: all callers that shared the attempt have the same exception, and each throws one of its own.
            throw error is null ? NotConfirmed() : Denial.Copy(error);
        }
    }

    /// <summary>Requests in the background the facts that a use lacks, for callers that cannot wait.</summary>
    /// <returns>The exception to throw.</returns>
    public ByokException StartMissing(KeyUse use, Origin origin)
    {
        var seen = See(use);
        if (seen.Denial is { } denial)
        {
            return denial.ToException();
        }

        var now = _clock.Now;
        var (confirmation, own, role) = Missing(use, origin, now, Moment.Never);

        // Urgent, because the use fails meanwhile: once per second, however long the pause after failures is.
        if (confirmation)
        {
            StartConfirmation(seen, origin, now, isUrgent: true);
        }
        else if (own)
        {
            // A confirmation asks with this origin first, so it renews it too.
            StartRenewal(origin, isUrgent: true);
        }

        if (role)
        {
            StartRoleCheck(seen, now, isUrgent: true);
        }

        // A recent outage explains more than "not confirmed". Copied, because several callers throw it.
        return Volatile.Read(ref _failure) is { } failure && now - failure.Begun.Ticks < _limits.Interval
            ? Denial.Copy(failure.Error)
            : NotConfirmed();
    }

    /// <summary>
    /// Whether the last attempt to obtain a fact was recent and got no answer from AWS KMS. Throttling counts as an answer.
    /// </summary>
    public bool IsOut(long now)
    {
        lock (_gate)
        {
            return IsRecent(_failure, now, began: null) && !_failure.IsThrottled;
        }
    }

    /// <summary>
    /// Whether an expired data key may be used because an outage prevented a new one: nothing is denied, and the session has not expired.
    /// </summary>
    public bool MayServeStale(KeyUse use, long now) =>
        // An expired session cannot reach AWS KMS, so nothing would show a revocation.
        DenialOf(use) is null && (!_key.HasRole || now < Volatile.Read(ref _sessionExpires));

    /// <summary>Keeps facts 1 and 2 fresh while data keys are open.</summary>
    /// <param name="origin">The origin of one of the open data keys.</param>
    /// <returns>When to call again.</returns>
    public TimeSpan KeepFresh(Origin origin)
    {
        var now = _clock.Now;
        var seen = See(KeyUse.Read);

        // The same share of the interval as for uses, so the timer asks no earlier than a busy ring would.
        var due = seen.Accepted + (long)(_limits.Interval * Volatile.Read(ref _confirmAhead));

        // A remembered denial has closed the open data keys. Uses and health ask AWS again, after its pause; this timer does not.
        if (seen.Denial is null && now >= due)
        {
            StartConfirmation(seen, origin, now);
        }

        if (_key.HasRole && IsRoleCheckDue(now))
        {
            StartRoleCheck(seen, now);
        }

        // While an attempt is under way or pauses, this is called again after one second.
        var role = _key.HasRole ? RoleCheckDue : long.MaxValue;

        // The interval is at least 1 second, so the two bounds are in order.
        var next = Math.Clamp(Math.Min(due, role) - now, TimeSpan.TicksPerSecond, _limits.Interval);
        return TimeSpan.FromTicks(Math.Min(next, (long)(_limits.Interval * _ahead)));
    }

    /// <summary>The denial that arrived after a data key was requested or taken into use; null if there is none.</summary>
    /// <param name="since">The moment before the request was sent.</param>
    /// <param name="operation">An <see cref="AwsAction"/>: the action that the data key serves.</param>
    /// <param name="contextId">Its encryption context.</param>
    public ByokKeyUnavailableException? FindDenial(Moment since, string operation, ReadOnlyMemory<byte> contextId)
    {
        lock (_gate)
        {
            return _erasures?.Find(since, operation, contextId) is { } denial ? Denial.Copy(denial) : null;
        }
    }

    /// <summary>The remembered denial, of the key or of one of its actions; null if there is none.</summary>
    public ByokKeyUnavailableException? StandingDenial => (_facts[Decrypt].Denial ?? _facts[Encrypt].Denial)?.ToException();

    private long RoleCheckDue =>
        Math.Min(Volatile.Read(ref _sessionBegun) + (long)(_limits.RoleInterval * _ahead), Volatile.Read(ref _sessionRenewal));

    private static double RandomShare(double from, double to) => from + ((to - from) * RandomNumberGenerator.GetInt32(1000) / 1000.0);

    /// <summary>The share of the interval from which a use starts the next confirmation in the background.</summary>
    /// <param name="share">The present share.</param>
    /// <param name="age">The age of the last acceptance when the new one was requested.</param>
    private double NextShare(double share, long age) =>
        // After a start or an outage, acceptances of thousands of rings have the same age. The wide range spreads their next confirmations.
        age >= _limits.Interval ? (_fleet is null ? RandomShare(0.05, 0.8) : ShareOf(_fleet, 0.05))
        : age >= (long)(_limits.Interval * share) ? _ahead
        // Requested before it was due, by a call that needed AWS KMS anyway.
        : share;

    private static int IndexOf(string operation) => operation == AwsAction.Encrypt ? Encrypt : Decrypt;

    /// <summary>
    /// What is known now. Read before the decision to ask AWS, so that shared work can tell whether the answer has arrived since.
    /// </summary>
    private Seen See(KeyUse use) => new(use, AcceptedFor(use), DenialOf(use), Volatile.Read(ref _sessionBegun));

    private long AcceptedFor(KeyUse use) => use == KeyUse.Read
        ? _facts[Decrypt].AcceptedTicks
        : Math.Max(_facts[Decrypt].AcceptedTicks, _facts[Encrypt].AcceptedTicks);

    // Called under the lock: a moment is two numbers, so a reader without it could see one half of each of two moments.
    private Moment AcceptedAtFor(KeyUse use)
    {
        var (read, write) = (_facts[Decrypt].Accepted, _facts[Encrypt].Accepted);
        return use == KeyUse.Read || read.IsAfter(write) ? read : write;
    }

    /// <summary>
    /// The denial that concerns a use. A denial of kms:Encrypt alone ends no use under way: it only prevents new data keys.
    /// </summary>
    private Denial? DenialOf(KeyUse use)
    {
        // Two reads without a common lock. A denial that arrives in between is found by the next check, before the next use.
        var (read, write) = (_facts[Decrypt].Denial, _facts[Encrypt].Denial);

        // A denial of the key is in both facts, as one object. Otherwise each of the two actions has its own denial, or one has none.
        return use == KeyUse.Read ? read
            : write is { IsOfKey: true } || read is not null ? write
            : null;
    }

    private bool IsRoleFresh(long now) =>
        now - Volatile.Read(ref _sessionBegun) < _limits.RoleInterval && now < Volatile.Read(ref _sessionExpires);

    private bool IsRoleCheckDue(long now) => now >= RoleCheckDue;

    private bool IsPermittedSince(KeyUse use, Origin? origin, long now, Moment began)
    {
        var (confirmation, own, role) = Missing(use, origin, now, began);
        return !(confirmation || own || role) || PermitsInOutage(use, origin, now, began);
    }

    /// <summary>
    /// The facts that a use lacks. An acceptance counts for a use that began before its request was sent, however long the answer took.
    /// </summary>
    private (bool Confirmation, bool Own, bool Role) Missing(KeyUse use, Origin? origin, long now, Moment began)
    {
        lock (_gate)
        {
            // Without the exception for the beginning, no use would be permitted while AWS needs longer than the interval to answer.
            var confirmation = now - AcceptedFor(use) >= _limits.Interval && !(began != Moment.Never && AcceptedAtFor(use).IsAfter(began));
            var own = origin is not null && now - origin.Accepted >= _limits.MaxAge
                && !(began != Moment.Never && origin.Accepted >= began.Ticks);
            var role = _key.HasRole && !IsRoleFresh(now)
                && !(began != Moment.Never && _sessionBegun >= began.Ticks && now < _sessionExpires);
            return (confirmation, own, role);
        }
    }

    /// <summary>
    /// Whether a use that lacks facts may go on because of an outage: the last acceptance has not expired, and the last failed attempt is
    /// recent. Starts the next attempt in the background when its pause is over.
    /// </summary>
    private bool PermitsInOutage(KeyUse use, Origin? origin, long now, Moment? began)
    {
        lock (_gate)
        {
            var seen = See(use);
            var (confirmation, own, role) = Missing(use, origin, now, began ?? Moment.Never);
            if (confirmation || own)
            {
                // Only a failed attempt shows an outage. Without a recent one the use asks AWS, so that a revocation is noticed.
                if (!IsRecent(_failure, now, began))
                {
                    return false;
                }

                // Throttling gets no grace: AWS answers, so a host that sends fewer requests would learn of a revocation.
                var grace = _failure.IsThrottled ? 0 : _limits.Grace;
                if ((confirmation && now - OwnAcceptedFor(use) >= _limits.MaxAge + grace)
                    || (own && now - origin!.Accepted >= _limits.MaxAge + grace))
                {
                    return false;
                }
            }

            // An expired session can no longer reach AWS KMS, so nothing would show a revocation.
            if (role && (!IsRecent(_roleFailure, now, began) || now >= _sessionExpires))
            {
                return false;
            }

            // A data key whose own acceptance is old needs no request here: uses that go on call RenewIfLate, or replace the data key.
            if (confirmation)
            {
                StartConfirmation(seen, origin, now);
            }

            if (role)
            {
                StartRoleCheck(seen, now);
            }

            return true;
        }
    }

    /// <summary>How much longer data keys can be used in an outage, at most; null if that is not known. May be negative.</summary>
    private TimeSpan? UsableFor(Failure? outage, Failure? role, long accepted)
    {
        var ends = long.MaxValue;
        if (outage is not null && accepted != Moment.Never.Ticks)
        {
            ends = accepted + _limits.MaxAge + (outage.IsThrottled ? 0 : _limits.Grace);
        }

        if (role is not null && _key.NewestSession is { } session)
        {
            ends = Math.Min(ends, session.Expires);
        }

        return ends == long.MaxValue ? null : TimeSpan.FromTicks(ends - _clock.Now);
    }

    /// <summary>Records a failed attempt for key events.</summary>
    private void NoteOutage(Moment begun, ByokServiceException error)
    {
        if (_listener is null || error.FailureKind == ServiceFailureKind.Rejected)
        {
            return;
        }

        lock (_gate)
        {
            // A concurrent request that began later may have been accepted. Then the outage is over.
            if (!Array.Exists(_facts, facts => facts.Accepted.IsAfter(begun)))
            {
                _outage = new Failure(begun, error.FailureKind == ServiceFailureKind.Throttled, error);
            }
        }

        _listener.Changed();
    }

    private bool IsRecent([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] Failure? failure, long now, Moment? began) =>
        // An attempt that began after the use counts for it, even if the attempt took longer than the interval.
        failure is not null && (now - failure.Begun.Ticks < _limits.Interval || (began is { } use && failure.Begun.IsAfter(use)));

    private bool TryClaimTrial(Denial denial)
    {
        lock (_gate)
        {
            // Claimed under the lock, so that one caller per pause asks AWS.
            return denial.TryClaimTrial(_clock.Now);
        }
    }

    private ByokServiceException NotConfirmed() => new(
        $"AWS KMS has not confirmed the key {_key.Arn} recently, so the data key may not be used at the moment. A confirmation is "
        + "under way or begins within a second. Try again.")
    {
        Operation = AwsAction.Decrypt,
        Region = _key.Arn.Region,
        FailureKind = ServiceFailureKind.Outage,
    };

    /// <summary>The facts of one action. Written under the lock. The tick count and the denial are also read without it.</summary>
    private sealed class Facts
    {
        private long _acceptedTicks = Moment.Never.Ticks;
        private volatile Denial? _denial;

        /// <summary>When the last accepted request of this instance was sent; <see cref="Moment.Never"/> after a denial.</summary>
        public Moment Accepted { get; private set; } = Moment.Never;

        /// <summary>The Region of that request.</summary>
        public int Region { get; private set; }

        /// <summary>The same, or the acceptance of another instance if that is newer.</summary>
        public long AcceptedTicks => Volatile.Read(ref _acceptedTicks);

        /// <summary>Whether AWS ever accepted the action.</summary>
        public bool WasAccepted { get; private set; }

        /// <summary>Whether a denied call had no consequences, so that health should ask AWS.</summary>
        public bool IsSuspect { get; set; }

        public Denial? Denial
        {
            get => _denial;
            set => _denial = value;
        }

        /// <summary>When health last asked AWS about the action. Guarded by the lock.</summary>
        public long HealthAsked { get; set; } = Moment.Never.Ticks;

        /// <summary>The origin that AWS accepted last by this action. Holds no secret and outlives the plaintext keys.</summary>
        public Origin? Last { get; private set; }

        /// <summary>As <see cref="Last"/>, the last origin of another encryption context.</summary>
        public Origin? LastElsewhere { get; private set; }

        public void Accept(Moment sent, int region)
        {
            // Stays true after a denial: an identity that once had the permission has lost it, which is worth an analysis.
            WasAccepted = true;
            IsSuspect = false;

            // Answers can arrive out of order. The order of the requests decides, so a late answer does not replace a newer fact.
            if (sent.IsAfter(Accepted))
            {
                (Accepted, Region) = (sent, region);
                Volatile.Write(ref _acceptedTicks, sent.Ticks);
            }
        }

        /// <summary>
        /// Takes an acceptance of another instance. <see cref="Accepted"/> stays, so it is no own acceptance, and no use counts as begun
        /// before it.
        /// </summary>
        public void Adopt(long accepted) => Volatile.Write(ref _acceptedTicks, accepted);

        public void Reset()
        {
            // The origins stay. A confirmation needs an origin, also after a denial, and origins hold no secret.
            Accepted = Moment.Never;
            Volatile.Write(ref _acceptedTicks, Moment.Never.Ticks);
        }

        /// <summary>Remembers the last origin of each of the last two contexts.</summary>
        public void Remember(Origin origin)
        {
            if (Last is { } last && !last.IsIn(origin.ContextId))
            {
                LastElsewhere = last;
            }

            Last = origin;
        }

        /// <summary>Removes the remembered origins that match: one origin, or all of one encryption context.</summary>
        public void Forget(Func<Origin, bool> isOut)
        {
            // The second one first, because it takes the place of a removed first one.
            if (LastElsewhere is { } elsewhere && isOut(elsewhere))
            {
                LastElsewhere = null;
            }

            if (Last is { } last && isOut(last))
            {
                (Last, LastElsewhere) = (LastElsewhere, null);
            }
        }
    }

    /// <summary>What a caller knew when it decided to ask AWS.</summary>
    /// <param name="Use">The use that needs the answer.</param>
    /// <param name="Accepted">When the last accepted request was sent.</param>
    /// <param name="Denial">The denial in effect; null if there was none.</param>
    /// <param name="SessionBegun">When the newest session began.</param>
    private readonly record struct Seen(KeyUse Use, long Accepted, Denial? Denial, long SessionBegun);

    /// <summary>A failed attempt to obtain a fact.</summary>
    /// <param name="Begun">The moment before its first request was sent.</param>
    /// <param name="IsThrottled">Whether AWS asked for fewer requests.</param>
    /// <param name="Error">The error.</param>
    private sealed record Failure(Moment Begun, bool IsThrottled, ByokException Error);
}
