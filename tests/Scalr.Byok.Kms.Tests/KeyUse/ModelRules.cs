using static Scalr.Byok.Kms.Tests.KeyUse.ModelAnswer;
using Moment = Scalr.Byok.Kms.Tests.KeyUse.ModelClock.Moment;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>What a use is for.</summary>
internal enum ModelUseKind
{
    Write,
    Read,
    WriteValue,
    ReadValue,
}

/// <summary>A use of a data key.</summary>
/// <param name="Kind">What it is for. Opening a data key is reading.</param>
/// <param name="Key">The wrapping key.</param>
/// <param name="Context">The encryption context.</param>
/// <param name="Origin">The data key's origin; null before a message is written, as only its header tells which data key was used.</param>
/// <param name="Opened">When the open data key was opened, as a number of requests; null for messages.</param>
internal sealed record ModelUse(ModelUseKind Kind, int Key, string Context, ModelOrigin? Origin, int? Opened = null)
{
    public bool IsRead => Kind is ModelUseKind.Read or ModelUseKind.ReadValue;

    public bool IsValue => Opened is not null;

    public override string ToString() => $"{Kind} under key {Key} in context {Context}";
}

/// <summary>The reference implementation of the rules of use: from what AWS answered so far, whether a use may begin.</summary>
internal sealed class ModelRules
{
    private readonly ModelSetup _setup;
    private readonly ModelClock _clock;
    private readonly ModelAws _aws;
    private readonly Facts[] _facts = [new(), new()];
    private readonly Dictionary<Guid, Acceptance> _origins = [];
    private int _read;

    public ModelRules(ModelSetup setup, ModelClock clock, ModelAws aws)
    {
        _setup = setup;
        _clock = clock;
        _aws = aws;
    }

    public Facts this[int key] => _facts[key];

    /// <summary>The time that a plaintext key lives without an acceptance of its origin.</summary>
    public TimeSpan MaxAge => _setup.MaxAge > TimeSpan.Zero ? _setup.MaxAge : _setup.Interval;

    public Acceptance? OriginOf(ModelOrigin? origin) => origin is not null && _origins.TryGetValue(origin.Id, out var found) ? found : null;

    /// <summary>Learns what AWS has answered since the last time.</summary>
    public void Learn()
    {
        for (; _read < _aws.Log.Count; _read++)
        {
            Learn(_aws.Log[_read], Neighbour(1), Neighbour(-1));
        }
    }

    /// <summary>
    /// The answer before or after the one that is read, of the same key. A session that began meanwhile may belong to another call, and so
    /// may the same denial by the same Region.
    /// </summary>
    private ModelRequest? Neighbour(int step)
    {
        var read = _aws.Log[_read];
        for (var i = _read + step; i >= 0 && i < _aws.Log.Count; i += step)
        {
            var other = _aws.Log[i];
            var isTwin = step > 0 && read.Answer is (KeyDenied or AccessDenied)
                && (other.Action, other.Region, other.Answer) == (read.Action, read.Region, read.Answer);
            if (other.Key == read.Key && other is not { Action: "AssumeRole", Answer: Accepted } && !isTwin)
            {
                return other;
            }
        }

        return null;
    }

    /// <summary>Facts 1 and 2: why AWS's acceptance is not recent enough for a use; null if it is.</summary>
    public string? FindMissing(ModelUse use)
    {
        var facts = _facts[use.Key];
        var accepted = use.IsRead ? facts.Decrypted : Later(facts.Decrypted, facts.Encrypted);
        if (accepted is null)
        {
            return "fact 1: there never was an acceptance";
        }

        if (_clock.Age(accepted.Sent) >= _setup.Interval && !(InOutage(facts) && _clock.Age(accepted.Sent) < MaxAge + Grace(facts)))
        {
            return $"fact 1: the last acceptance is {_clock.Age(accepted.Sent)} old";
        }

        if (_setup.HasRole && _clock.Age(facts.SessionBegan!.Sent) >= _setup.RoleCheckInterval
            && !(facts.StsFailed is { } failed && _clock.Age(failed.Sent) < _setup.Interval && failed.Number > facts.SessionBegan.Number))
        {
            return $"fact 2: the session began {_clock.Age(facts.SessionBegan.Sent)} ago";
        }

        return null;
    }

    /// <summary>Fact 3 and denials: why the use's own data key may not serve; null if it may.</summary>
    /// <param name="use">The use.</param>
    /// <param name="begun">When it began, as a number of requests.</param>
    /// <param name="denied">The number of the last denial of the key before that.</param>
    /// <param name="grace">How much longer the data key may serve in an outage.</param>
    public string? FindFault(ModelUse use, int begun, int denied, TimeSpan grace)
    {
        if (OriginOf(use.Origin) is not { } origin)
        {
            return "fact 3: AWS never accepted the origin";
        }

        if (origin.Last.Number < denied || use.Opened < denied)
        {
            return $"the key was denied by request {denied}, after this data key was obtained";
        }

        var since = use.Kind == ModelUseKind.Write ? origin.First : origin.Last;
        if (_setup.MaxAge == TimeSpan.Zero && !use.IsValue)
        {
            return since.Number >= begun ? null : "rule 13: with the cache off, every message asks AWS KMS";
        }

        return _clock.Age(since.Sent) < MaxAge + grace ? null : $"fact 3: the data key is {_clock.Age(since.Sent)} old";
    }

    /// <summary>How much longer a data key may serve after the last attempt.</summary>
    public TimeSpan Grace(Facts facts) => facts.Last?.Answer == Outage ? _setup.Grace : TimeSpan.Zero;

    /// <summary>
    /// Rule 6: why a use was not to be served, if the primary Region had denied the key; null if it had not, or has accepted since.
    /// </summary>
    public string? FindStanding(ModelUse use, int denied) =>
        denied >= 0 && !_setup.FailsOverOnRevoked && _facts[use.Key].Accepted[0] < denied
            ? $"the primary Region denied the key by request {denied}, and has not accepted since"
            : null;

    private bool InOutage(Facts facts) => facts.Last is { Answer: Outage or Throttled } last && _clock.Age(last.Sent) < _setup.Interval;

    private static Event? Later(Event? left, Event? right) => left is null || right?.Number > left.Number ? right : left;

    private void Learn(ModelRequest request, ModelRequest? next, ModelRequest? previous)
    {
        var facts = _facts[request.Key];
        var now = new Event(request.Number, request.Sent, request.Answer);
        if (request.Action == "AssumeRole")
        {
            var isDenial = request.Answer == KeyDenied
                && CountsAsDenial(facts, request, next, previous) && !FollowsActionDenial(request, previous);
            LearnSession(facts, now, isDenial, request.Region);
            return;
        }

        if (request.Action == "DescribeKey")
        {
            LearnState(facts, now, request.Region);
            return;
        }

        if (request.Answer == Rejected)
        {
            return;
        }

        if (request.Answer is not Accepted)
        {
            facts.Failed = now;
        }

        if (request.Answer is KeyDenied or AccessDenied && !CountsAsDenial(facts, request, next, previous))
        {
            now = now with { Answer = Outage };
        }

        if (now.Answer == KeyDenied && FollowsActionDenial(request, previous))
        {
            now = now with { Answer = AccessDenied };
        }

        if (now.Answer != AccessDenied || (request.Action == "Decrypt" && facts.Decrypted is not null))
        {
            // Rule 8: an outage lasts until its last attempt is too old. AccessDenied of kms:Encrypt says nothing about kms:Decrypt,
            // and AccessDenied of an action that was never accepted concerns that call alone (rule 5).
            facts.Last = now;
        }

        facts.Answered[request.Region] = now.Answer is Accepted or KeyDenied or AccessDenied ? now.Number : facts.Answered[request.Region];
        switch (now.Answer)
        {
            case Accepted:
                facts.Accepted[request.Region] = now.Number;
                facts.Encrypted = request.Action == "Encrypt" ? now : facts.Encrypted;
                facts.Decrypted = request.Action == "Decrypt" ? now : facts.Decrypted;
                _origins[request.Origin!.Id] = new Acceptance(OriginOf(request.Origin)?.First ?? now, now);
                break;
            case KeyDenied:
                facts.Denied = now;
                facts.PrimaryDenied = request.Region == 0 ? now : facts.PrimaryDenied;
                break;
            case AccessDenied:
                facts.AccessDenied = now;
                break;
        }
    }

    /// <summary>
    /// Whether the primary has denied the action only, before the replica denied the key: the primary may still accept the other action.
    /// </summary>
    private bool FollowsActionDenial(ModelRequest request, ModelRequest? previous) => _setup.FailsOverOnRevoked && request.Region == 1
        && previous is { Answer: AccessDenied, Region: 0 } && previous.Key == request.Key;

    /// <summary>Rule 6. The primary accepts before the replica denies where a probe asks both.</summary>
    private bool CountsAsDenial(Facts facts, ModelRequest request, ModelRequest? next, ModelRequest? previous) => _setup.FailsOverOnRevoked
        ? !(next is { Answer: Accepted } && next.Key == request.Key && next.Region != request.Region)
            && !(request.Region == 1 && previous is { Answer: Accepted, Region: 0 })
        : request.Region == 0 || facts.Accepted[request.Region] > facts.Answered[0];

    /// <summary>A description that shows that the key cannot be used is a denial by its Region. A replica's is a finding only.</summary>
    private void LearnState(Facts facts, Event now, int region)
    {
        if (now.Answer == KeyDenied && region == 0 && !(_setup.FailsOverOnRevoked && _setup.HasReplica))
        {
            facts.Denied = facts.Failed = now;
        }
    }

    /// <summary>Rule 6 holds for AWS STS, too: its denial in a replica's Region may be one of a Region where it is switched off.</summary>
    private void LearnSession(Facts facts, Event now, bool isDenial, int region)
    {
        switch (now.Answer)
        {
            case Accepted:
                facts.SessionBegan = now;
                break;
            case KeyDenied:
                facts.Denied = isDenial ? now : facts.Denied;
                facts.Failed = now;
                facts.Answered[region] = now.Number;
                break;
            default:
                facts.StsFailed = facts.Failed = now;
                if (facts.SessionBegan is null || _clock.HighestAge(facts.SessionBegan.Sent) >= ModelSetup.SessionDuration)
                {
                    facts.Last = now; // KMS cannot be asked
                }

                break;
        }
    }

    internal sealed record Event(int Number, Moment Sent, ModelAnswer Answer);

    /// <summary>The first and the last acceptance of an origin.</summary>
    internal sealed record Acceptance(Event First, Event Last);

    /// <summary>What is known of a wrapping key.</summary>
    internal sealed class Facts
    {
        public Event? Encrypted { get; set; }

        public Event? Decrypted { get; set; }

        /// <summary>The last attempt, as rules 6 and 8 see it.</summary>
        public Event? Last { get; set; }

        /// <summary>The last answer that was not an acceptance, of KMS or STS.</summary>
        public Event? Failed { get; set; }

        public Event? Denied { get; set; }

        public Event? AccessDenied { get; set; }

        /// <summary>The last denial of the key by AWS KMS in the primary Region.</summary>
        public Event? PrimaryDenied { get; set; }

        public Event? SessionBegan { get; set; }

        public Event? StsFailed { get; set; }

        /// <summary>The last acceptance by each Region.</summary>
        public int[] Accepted { get; } = [-1, -1];

        /// <summary>The last acceptance or denial by each Region.</summary>
        public int[] Answered { get; } = [-1, -1];
    }
}
