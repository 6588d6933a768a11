using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.Events;

/// <summary>One key of one tenant or ring: its present state, and what was reported about it. Safe for concurrent use.</summary>
/// <remarks>
/// The state is read from <see cref="KeyAccess"/> under this lock, never passed to it. So of two threads that report an answer, the one
/// that comes last reads the newest state.
/// </remarks>
internal sealed class KeyTracker
{
    private static readonly Condition Usable = new(ByokKeyEventKind.Restored, Finding: null, Reason: null, RequestId: null);

    private readonly KeyEvents _events;
    private readonly RingOwner _owner;
    private readonly KmsKeyArn _key;
    private readonly Lock _gate = new();

    // The watch of the newest ring. What an older ring of the same owner reports is ignored.
    private KeyWatch? _watch;

    // The present state, and when it began by both clocks.
    private Condition _present = Usable;
    private ByokException? _error;
    private DateTimeOffset _start;
    private long _begun;
    private DateTimeOffset? _deadline;

    private Condition _reported = Usable;
    private bool _isWaiting; // for the end of the hold time, in KeyEvents

    // The warnings of the last query that were reported.
    private HashSet<(string Code, DateTimeOffset? Deadline)> _warnings = [];

    // The ids in the present window. Cleared with each new window, so there are few.
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private string _window = string.Empty;

    public KeyTracker(KeyEvents events, RingOwner owner, KmsKeyArn key)
    {
        _events = events;
        _owner = owner;
        _key = key;
    }

    public (RingOwner Owner, KmsKeyArn Key) Id => (_owner, _key);

    /// <summary>Whether it is in the queue of <see cref="KeyEvents"/>, whose lock guards this.</summary>
    public bool IsRemembered { get; set; }

    public bool IsWatched
    {
        get
        {
            lock (_gate)
            {
                return _watch is not null;
            }
        }
    }

    /// <summary>Listens to this watch alone.</summary>
    public void Use(KeyWatch watch)
    {
        lock (_gate)
        {
            _watch = watch;
        }
    }

    /// <summary>Ends a watch; false if another one has taken its place.</summary>
    /// <param name="watch">The watch.</param>
    /// <param name="isWorthKeeping">Whether something was reported that a later ring must know.</param>
    public bool TryLeave(KeyWatch watch, out bool isWorthKeeping)
    {
        lock (_gate)
        {
            isWorthKeeping = _reported != Usable || _warnings.Count > 0;
            if (_watch != watch)
            {
                return false;
            }

            _watch = null;

            // What has not lasted long enough by now is never reported.
            _present = _reported;
            _error = null;
            return true;
        }
    }

    /// <summary>AWS has answered, or has not.</summary>
    public void Changed(KeyWatch watch)
    {
        lock (_gate)
        {
            if (_watch == watch)
            {
                Compare();
            }
        }
    }

    /// <summary>A hold time may have ended.</summary>
    public void CheckDue()
    {
        lock (_gate)
        {
            _isWaiting = false;
            if (_watch is not null)
            {
                Compare();
            }
        }
    }

    /// <summary>Reports the warnings of a query that were not reported yet.</summary>
    /// <param name="watch">The watch that made the query.</param>
    /// <param name="health">The result.</param>
    /// <param name="error">The error instead of an answer; null if AWS answered.</param>
    /// <param name="requestId">The id of the answered request.</param>
    public void Warn(KeyWatch watch, ByokKeyHealth health, ByokException? error, string? requestId)
    {
        var isDenied = error is not null && KeyProbe.IsDescribeKeyDenied(error);
        if (error is not null && !isDenied)
        {
            return; // an outage, or a denial of the role, which calls meet too
        }

        lock (_gate)
        {
            if (_watch != watch)
            {
                return;
            }

            var warnings = new HashSet<(string Code, DateTimeOffset? Deadline)>();
            foreach (var finding in health.Findings)
            {
                DateTimeOffset? deadline;
                ByokKeyUnavailableReason? reason = null;
                switch (finding.Code)
                {
                    case ByokKeyFindingCode.DescribeKeyDenied:
                        (deadline, requestId) = (null, (error as ByokKeyUnavailableException)?.RequestId);
                        break;
                    case ByokKeyFindingCode.KeyMaterialExpires when finding.Severity == ByokKeyFindingSeverity.Warning:
                        deadline = health.KeyMaterialExpiresAt;
                        break;
                    case nameof(ByokKeyUnavailableReason.KeyPendingDeletion):
                        (deadline, reason) = (health.DeletionDate, ByokKeyUnavailableReason.KeyPendingDeletion);
                        break;
                    default:
                        continue;
                }

                warnings.Add((finding.Code, deadline));
                if (!_warnings.Contains((finding.Code, deadline)))
                {
                    var about = _watch.Access.Key.IsOfHost ? KeyProbe.OfHost(finding) : finding;
                    Report(ByokKeyEventKind.Warned, about, reason, requestId, _events.Time.GetUtcNow(), deadline);
                }
            }

            // Without an answer, the earlier warnings are neither confirmed nor refuted.
            warnings.UnionWith(isDenied ? _warnings : []);
            _warnings = warnings;
        }
    }

    // Called under the lock.
    private void Compare()
    {
        var state = _watch!.Access.State;
        if (state.Error is null && !state.IsAccepted)
        {
            return; // a new ring that AWS has not answered yet
        }

        var isNews = state.Error != _error;
        if (isNews || (state.Error is null && _present.Kind != ByokKeyEventKind.Restored))
        {
            var present = Condition.Of(state.Error);
            if (!present.IsSame(_present))
            {
                (_start, _begun) = (_events.Time.GetUtcNow(), _events.Time.GetTimestamp());
            }

            (_present, _error) = (present, state.Error);
        }

        _deadline = state.UsableFor is { } left ? _events.Time.GetUtcNow() + left : DeletionDate;
        if (_present.IsSame(_reported))
        {
            return; // nothing new, or changed back within the hold time
        }

        var wait = _events.Options.HoldTime - _events.Time.GetElapsedTime(_begun);

        // One failed attempt does not show that an outage lasts, so another one after the hold time has to show it. A denial lasts until
        // AWS accepts a request.
        var needsNews = _present.Kind == ByokKeyEventKind.Unreachable;
        if (wait <= TimeSpan.Zero)
        {
            if (isNews || !needsNews)
            {
                ReportPresent();
            }
        }
        else if (!needsNews && !_isWaiting)
        {
            _isWaiting = true;
            _events.CheckAfter(this, wait);
        }
    }

    private DateTimeOffset? DeletionDate => _present.Reason == ByokKeyUnavailableReason.KeyPendingDeletion
        ? _warnings.FirstOrDefault(warning => warning.Code == nameof(ByokKeyUnavailableReason.KeyPendingDeletion)).Deadline
        : null;

    private void ReportPresent()
    {
        var ended = _reported;
        _reported = _present;
        if (_present.Finding is { } finding)
        {
            Report(_present.Kind, finding, _present.Reason, _present.RequestId, _start, _deadline);
        }
        else
        {
            var restored = ended.Finding! with
            {
                Severity = ByokKeyFindingSeverity.Information,
                Message = $"The key {_key} can be used again.",
                Remedy = "Nothing needs to be done.",
            };
            Report(ByokKeyEventKind.Restored, restored, ended.Reason, requestId: null, _start, deadline: null);
        }

        if (_present.Reason == ByokKeyUnavailableReason.KeyPendingDeletion && DeletionDate is null)
        {
            _watch!.QuerySoon(); // the denial does not contain the date of the deletion
        }
    }

    private void Report(
        ByokKeyEventKind kind,
        ByokKeyFinding finding,
        ByokKeyUnavailableReason? reason,
        string? requestId,
        DateTimeOffset start,
        DateTimeOffset? deadline) => _events.Report(new ByokKeyEvent
        {
            Id = IdOf(kind, finding.Code, start, deadline),
            Kind = kind,
            Tenant = _owner.Tenant,
            KeyRing = _owner.IsTenant ? null : _owner.Name ?? string.Empty,
            KeyArn = _key,
            Code = finding.Code,
            Reason = reason,
            Owner = finding.Owner,
            Message = finding.Message,
            Remedy = finding.Remedy,
            Start = start,
            Deadline = deadline,
            RequestId = requestId,
        });

    /// <summary>The id of an event, the same in other instances as far as possible, and never that of another event of this one.</summary>
    private string IdOf(ByokKeyEventKind kind, string code, DateTimeOffset start, DateTimeOffset? deadline)
    {
        // A warning's deadline comes from AWS, so it is the same everywhere. Without one, each instance warns at its own moment of an
        // interval.
        var window = kind != ByokKeyEventKind.Warned ? Rounded(start, _events.Window)
            : deadline is { } date ? $"until {Rounded(date, TimeSpan.FromSeconds(1))}"
            : Rounded(start, TimeSpan.FromDays(1));
        if (window != _window)
        {
            _window = window;
            _ids.Clear();
        }

        var id = Hash(kind, code, window);
        return _ids.Add(id) ? id : Hash(kind, code, Rounded(start, TimeSpan.FromTicks(1)));
    }

    private static string Rounded(DateTimeOffset time, TimeSpan unit) =>
        (time.UtcTicks / unit.Ticks * unit.Ticks).ToString(CultureInfo.InvariantCulture);

    private string Hash(ByokKeyEventKind kind, string code, string time) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        // The name comes last, because it alone can contain a line feed.
        $"{kind}\n{code}\n{time}\n{_key}\n{(_owner.IsTenant ? "tenant" : "ring")}\n{_owner.Name}")).AsSpan(0, 16));

    /// <summary>A state of a key, as it is compared and reported.</summary>
    private sealed record Condition(
        ByokKeyEventKind Kind, ByokKeyFinding? Finding, ByokKeyUnavailableReason? Reason, string? RequestId)
    {
        public bool IsSame(Condition other) => Kind == other.Kind && Finding?.Code == other.Finding?.Code;

        public static Condition Of(ByokException? error) => error switch
        {
            null => Usable,
            ByokKeyUnavailableException e => new(ByokKeyEventKind.Denied, KeyProbe.Finding(e), e.Reason, e.RequestId),
            _ => new(ByokKeyEventKind.Unreachable, KeyProbe.Finding(error), Reason: null, (error as ByokServiceException)?.RequestId),
        };
    }
}
