using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Decides whether plaintext data keys under one wrapping key may be used: only if AWS has accepted the wrapping key recently. Safe for concurrent use.</summary>
/// <remarks>
/// ARCHITECTURE.md, "Key use", has the rules. This file has the facts and what a use needs of them; KeyAccess.Asking.cs asks AWS for a fact that is missing, and
/// KeyAccess.Calls.cs makes the calls that fetch data keys, whose answers are facts, too. All state is guarded by one lock. The numbers that every use reads are also
/// published without it; a reader that sees an old number sees an older fact, which never permits more.
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
    private readonly CancellationToken _disposed;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Facts[] _facts = [new(), new()]; // by action
    private readonly Erasures _erasures = new();

    /// <summary>From this part of a limit on, a use asks for the next fact in the background: a random point per ring, so that customers do not act in step.</summary>
    private readonly double _ahead = RandomNumberGenerator.GetInt32(600, 800) / 1000.0;

    private long _sessionBegun = Moment.Never.Ticks;
    private long _sessionExpires = long.MinValue;
    private long _sessionRenewal = long.MinValue;
    private Failure? _failure;
    private Failure? _roleFailure;
    private Backoff _pause;
    private Backoff _rolePause;

    /// <param name="key">The wrapping key. Not owned.</param>
    /// <param name="keys">Holds the plaintext data keys.</param>
    /// <param name="limits">How long facts last.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="disposed">Cancelled when the ring is disposed.</param>
    public KeyAccess(KmsKey key, IPlaintextKeys keys, KeyUseLimits limits, AgeClock clock, ILogger logger, CancellationToken disposed)
    {
        _key = key;
        _keys = keys;
        _limits = limits;
        _clock = clock;
        _disposed = disposed;
        _logger = logger;
        var longestPause = TimeSpan.FromTicks(Math.Min(TimeSpan.FromSeconds(15).Ticks, limits.Interval));
        _pause = new Backoff(longestPause, jitters: true);
        _rolePause = new Backoff(longestPause, jitters: true);
        _confirming = new SingleFlight<ByokException?>(disposed);
        _checkingRole = new SingleFlight<ByokException?>(disposed);
        key.TrialDue = operation => StartTrial(IndexOf(operation));
    }

    public KmsKey Key => _key;

    /// <summary>Whether a data key may be used now. Starts in the background what will be needed soon.</summary>
    /// <param name="use">The use.</param>
    /// <param name="origin">The data key's origin, which must have been accepted within the data key's lifetime; null if its owner checks that by itself.</param>
    /// <param name="now">The time.</param>
    public bool Permits(KeyUse use, Origin? origin, long now)
    {
        if (DenialOf(use) is not null)
        {
            return false;
        }

        var age = now - AcceptedFor(use);
        var isRoleFresh = !_key.HasRole || IsRoleFresh(now);
        if (age < _limits.Interval && isRoleFresh && (origin is null || now - origin.Accepted < _limits.MaxAge))
        {
            if (age >= _limits.Interval * _ahead)
            {
                StartConfirmation(use, origin, now);
            }

            if (_key.HasRole && IsRoleCheckDue(now))
            {
                StartRoleCheck(now);
            }

            return true;
        }

        return PermitsInOutage(use, origin, now, began: null);
    }

    /// <summary>Obtains what a use lacks, and waits for it.</summary>
    /// <param name="use">The use.</param>
    /// <param name="origin">As in <see cref="Permits"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ByokKeyUnavailableException">AWS denies the use.</exception>
    /// <exception cref="ByokServiceException">AWS gave no usable answer, and the last acceptance is too old to go on without one.</exception>
    public async ValueTask EnsureAsync(KeyUse use, Origin? origin, CancellationToken cancellationToken)
    {
        if (Permits(use, origin, _clock.Now))
        {
            return;
        }

        // At most four rounds: a confirmation of another action may be under way, and the role and the key may be confirmed one after the other.
        var began = _clock.Mark();
        ByokException? error = null;
        for (var round = 0; round < 4; round++)
        {
            if (DenialOf(use) is { } denial)
            {
                if (!TryClaimTrial(denial))
                {
                    throw denial.ToException();
                }

                await ConfirmAsync(use, origin).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (DenialOf(use) is { } still)
                {
                    throw still.ToException();
                }
            }

            var now = _clock.Now;
            if (IsPermittedSince(use, origin, now, began))
            {
                return;
            }

            error = await ObtainAsync(use, origin, now, began, cancellationToken).ConfigureAwait(false) ?? error;
        }

        if (DenialOf(use) is { } last)
        {
            throw last.ToException();
        }

        if (!IsPermittedSince(use, origin, _clock.Now, began))
        {
            throw error is null ? NotConfirmed() : Denial.Copy(error);
        }
    }

    /// <summary>Starts in the background what a use lacks, for callers that cannot wait.</summary>
    /// <returns>What to throw.</returns>
    public ByokException StartMissing(KeyUse use, Origin origin)
    {
        if (DenialOf(use) is { } denial)
        {
            return denial.ToException();
        }

        var now = _clock.Now;
        var (confirmation, own, role) = Missing(use, origin, now, Moment.Never);
        if (confirmation)
        {
            StartConfirmation(use, origin, now, isUrgent: true);
        }

        if (own)
        {
            StartRenewal(origin, isUrgent: true);
        }

        if (role)
        {
            StartRoleCheck(now, isUrgent: true);
        }

        return Volatile.Read(ref _failure) is { } failure && now - failure.Begun.Ticks < _limits.Interval ? Denial.Copy(failure.Error) : NotConfirmed();
    }

    /// <summary>Whether AWS KMS has not answered the last attempt to obtain a fact, and that was recently. Throttling is an answer.</summary>
    public bool IsOut(long now)
    {
        lock (_gate)
        {
            return IsRecent(_failure, now, began: null) && !_failure.IsThrottled;
        }
    }

    /// <summary>Whether a data key past its lifetime may stand in for one that an outage kept from being fetched: nothing is denied, and the session has not expired.</summary>
    public bool MayServeStale(KeyUse use, long now) =>
        DenialOf(use) is null && (!_key.HasRole || now < Volatile.Read(ref _sessionExpires));

    /// <summary>Keeps facts 1 and 2 fresh while data keys are open.</summary>
    /// <param name="origin">The origin of one of them.</param>
    /// <returns>When to call again.</returns>
    public TimeSpan KeepFresh(Origin origin)
    {
        var now = _clock.Now;
        var due = AcceptedFor(KeyUse.Read) + (long)(_limits.Interval * _ahead);
        if (DenialOf(KeyUse.Read) is null && now >= due)
        {
            StartConfirmation(KeyUse.Read, origin, now);
        }

        if (_key.HasRole && IsRoleCheckDue(now))
        {
            StartRoleCheck(now);
        }

        // While an attempt is under way or pausing, it is checked again after a second.
        var role = _key.HasRole ? RoleCheckDue : long.MaxValue;
        var next = Math.Clamp(Math.Min(due, role) - now, TimeSpan.TicksPerSecond, _limits.Interval);
        return TimeSpan.FromTicks(Math.Min(next, (long)(_limits.Interval * _ahead)));
    }

    /// <summary>The denial that a data key fell under which was requested at this time, or taken into use then; null if there is none.</summary>
    /// <param name="since">The moment before the request was sent.</param>
    /// <param name="operation">An <see cref="AwsAction"/>: the action that the data key serves.</param>
    /// <param name="contextId">Its encryption context.</param>
    public ByokKeyUnavailableException? FindDenial(Moment since, string operation, ReadOnlyMemory<byte> contextId)
    {
        lock (_gate)
        {
            return _erasures.Find(since, operation, contextId) is { } denial ? Denial.Copy(denial) : null;
        }
    }

    /// <summary>The denial that stands, of the key or of one of its actions; null if there is none.</summary>
    public ByokKeyUnavailableException? StandingDenial => (_facts[Decrypt].Denial ?? _facts[Encrypt].Denial)?.ToException();

    private long RoleCheckDue => Math.Min(Volatile.Read(ref _sessionBegun) + (long)(_limits.RoleInterval * _ahead), Volatile.Read(ref _sessionRenewal));

    private static int IndexOf(string operation) => operation == AwsAction.Encrypt ? Encrypt : Decrypt;

    private long AcceptedFor(KeyUse use) => use == KeyUse.Read
        ? _facts[Decrypt].AcceptedTicks
        : Math.Max(_facts[Decrypt].AcceptedTicks, _facts[Encrypt].AcceptedTicks);

    private Moment AcceptedAtFor(KeyUse use)
    {
        var (read, write) = (_facts[Decrypt].Accepted, _facts[Encrypt].Accepted);
        return use == KeyUse.Read || read.IsAfter(write) ? read : write;
    }

    /// <summary>The denial that concerns a use. That kms:Encrypt alone is denied ends no use that is under way, only new data keys.</summary>
    private Denial? DenialOf(KeyUse use)
    {
        var (read, write) = (_facts[Decrypt].Denial, _facts[Encrypt].Denial);
        return use == KeyUse.Read ? read
            : write is { IsOfKey: true } ? write
            : read is { IsOfKey: true } ? read
            : read is not null ? write // both actions, each for itself
            : null;
    }

    private bool IsRoleFresh(long now) => now - Volatile.Read(ref _sessionBegun) < _limits.RoleInterval && now < Volatile.Read(ref _sessionExpires);

    private bool IsRoleCheckDue(long now) => now >= RoleCheckDue;

    private bool IsPermittedSince(KeyUse use, Origin? origin, long now, Moment began)
    {
        var (confirmation, own, role) = Missing(use, origin, now, began);
        return !(confirmation || own || role) || PermitsInOutage(use, origin, now, began);
    }

    /// <summary>The facts that a use lacks. A use that began before a request was sent may go on with its acceptance, however long the answer took.</summary>
    private (bool Confirmation, bool Own, bool Role) Missing(KeyUse use, Origin? origin, long now, Moment began)
    {
        lock (_gate)
        {
            var confirmation = now - AcceptedFor(use) >= _limits.Interval && !(began != Moment.Never && AcceptedAtFor(use).IsAfter(began));
            var own = origin is not null && now - origin.Accepted >= _limits.MaxAge && !(began != Moment.Never && origin.Accepted >= began.Ticks);
            var role = _key.HasRole && !IsRoleFresh(now) && !(began != Moment.Never && _sessionBegun >= began.Ticks && now < _sessionExpires);
            return (confirmation, own, role);
        }
    }

    /// <summary>
    /// Whether a use that lacks facts may go on because AWS does not answer: until the last acceptance is too old, as long as the last failed attempt is recent.
    /// Starts the next attempt in the background when its pause is over.
    /// </summary>
    private bool PermitsInOutage(KeyUse use, Origin? origin, long now, Moment? began)
    {
        lock (_gate)
        {
            var (confirmation, own, role) = Missing(use, origin, now, began ?? Moment.Never);
            if (confirmation || own)
            {
                if (!IsRecent(_failure, now, began))
                {
                    return false;
                }

                var grace = _failure.IsThrottled ? 0 : _limits.Grace;
                if ((confirmation && now - AcceptedFor(use) >= _limits.MaxAge + grace) || (own && now - origin!.Accepted >= _limits.MaxAge + grace))
                {
                    return false;
                }
            }

            // A session that has expired can no longer reach AWS KMS, so nothing would show a revocation any more.
            if (role && (!IsRecent(_roleFailure, now, began) || now >= _sessionExpires))
            {
                return false;
            }

            if (confirmation)
            {
                StartConfirmation(use, origin, now);
            }
            else if (own)
            {
                StartRenewal(origin!);
            }

            if (role)
            {
                StartRoleCheck(now);
            }

            return true;
        }
    }

    private bool IsRecent([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] Failure? failure, long now, Moment? began) =>
        failure is not null && (now - failure.Begun.Ticks < _limits.Interval || (began is { } use && failure.Begun.IsAfter(use)));

    private bool TryClaimTrial(Denial denial)
    {
        lock (_gate)
        {
            return denial.TryClaimTrial(_clock.Now);
        }
    }

    private ByokServiceException NotConfirmed() => new(
        $"AWS KMS has not confirmed the key {_key.Arn} recently, so the data key may not be used at the moment. A confirmation was started. Try again.")
    {
        Operation = AwsAction.Decrypt,
        Region = _key.Arn.Region,
        Trouble = ServiceTrouble.Outage,
    };

    /// <summary>What is known of one action. Written under the lock; the two numbers and the denial are also read without it.</summary>
    private sealed class Facts
    {
        private long _acceptedTicks = Moment.Never.Ticks;
        private volatile Denial? _denial;

        /// <summary>When the last accepted request was sent; <see cref="Moment.Never"/> after a denial.</summary>
        public Moment Accepted { get; private set; } = Moment.Never;

        public long AcceptedTicks => Volatile.Read(ref _acceptedTicks);

        /// <summary>Whether AWS ever accepted the action.</summary>
        public bool WasAccepted { get; private set; }

        /// <summary>Whether a call was denied that had no consequences, so that health should ask.</summary>
        public bool IsSuspect { get; set; }

        public Denial? Denial
        {
            get => _denial;
            set => _denial = value;
        }

        /// <summary>The origins that AWS accepted last by this action, from two encryption contexts. They outlive their plaintext keys, and hold no secret.</summary>
        public Origin?[] Known { get; } = new Origin?[2];

        public void Accept(Moment sent)
        {
            WasAccepted = true;
            IsSuspect = false;
            if (sent.IsAfter(Accepted))
            {
                Accepted = sent;
                Volatile.Write(ref _acceptedTicks, sent.Ticks);
            }
        }

        public void Reset()
        {
            Accepted = Moment.Never;
            Volatile.Write(ref _acceptedTicks, Moment.Never.Ticks);
        }

        /// <summary>Remembers an origin: the last one of each of the last two contexts.</summary>
        public void Remember(Origin origin)
        {
            if (Known[0] is { } first && !first.IsIn(origin.ContextId))
            {
                Known[1] = first;
            }

            Known[0] = origin;
        }

        /// <summary>Forgets an origin, or those of a context.</summary>
        public void Forget(Func<Origin, bool> isOut)
        {
            if (Known[1] is { } second && isOut(second))
            {
                Known[1] = null;
            }

            if (Known[0] is { } first && isOut(first))
            {
                (Known[0], Known[1]) = (Known[1], null);
            }
        }
    }

    /// <summary>A failed attempt to obtain a fact.</summary>
    /// <param name="Begun">The moment before its first request was sent.</param>
    /// <param name="IsThrottled">Whether AWS asked for fewer requests.</param>
    /// <param name="Error">What went wrong.</param>
    private sealed record Failure(Moment Begun, bool IsThrottled, ByokException Error);
}
