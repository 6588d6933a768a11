namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>The other side of the reference: when a use must be served. Says so only where the rules leave nothing open.</summary>
internal sealed class ModelPromises
{
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly ModelSetup _setup;
    private readonly ModelClock _clock;
    private readonly ModelAws _aws;
    private readonly ModelRules _rules;

    public ModelPromises(ModelSetup setup, ModelClock clock, ModelAws aws, ModelRules rules)
    {
        _setup = setup;
        _clock = clock;
        _aws = aws;
        _rules = rules;
    }

    /// <summary>Why a use must be served, now or after one confirmation; null if it may be refused.</summary>
    /// <param name="use">The use.</param>
    /// <param name="isHeld">Whether the ring has the use's plaintext key.</param>
    public string? Find(ModelUse use, bool isHeld)
    {
        var facts = _rules[use.Key];
        if (use.IsValue && (!isHeld || facts.Denied?.Number >= use.Opened || facts.AccessDenied?.Number >= use.Opened))
        {
            return null; // a denial may have closed it
        }

        if (AwsAccepts(use) && (facts.Failed is null || _clock.LowestAge(facts.Failed.Sent) > Pause))
        {
            return "AWS accepts, and the last failure is long ago";
        }

        return isHeld && _setup.MaxAge > TimeSpan.Zero && ServesWithoutAws(use, facts)
            ? "the data key is recent enough for an outage"
            : null;
    }

    /// <summary>The longest pause after a denial or an outage.</summary>
    private TimeSpan Pause => _setup.Interval + Margin;

    private bool AwsAccepts(ModelUse use)
    {
        var facts = _rules[use.Key];
        var state = _aws.Kms[use.Key, 0];
        if (state == KmsState.Outage && use.Key == 0 && _setup.HasReplica)
        {
            // A denial by the primary Region stands until that Region accepts again (rule 6).
            state = facts.Denied is null && facts.AccessDenied is null ? _aws.Kms[0, 1] : state;
        }

        var isAllowed = state == KmsState.Works || (state == KmsState.DeniesEncrypt && use.Kind != ModelUseKind.Write);
        if (!isAllowed || _aws.DeniedContexts[use.Key].Contains(use.Context))
        {
            return false;
        }

        if (!_setup.HasRole)
        {
            return _aws.AccessKeyIsActive;
        }

        // Rule 5 replaces a denied session that is older than one minute, if the action was accepted before.
        var wasAccepted = (use.Kind == ModelUseKind.Write ? facts.Encrypted : facts.Decrypted) is not null;
        return _aws.Sts == StsState.Works
            && (_aws.NewestSession(use.Key) is not { } newest || newest.Number > _aws.RevokedSessions
                || (_clock.LowestAge(newest.Sent) > TimeSpan.FromMinutes(1) + Margin && wasAccepted));
    }

    private bool ServesWithoutAws(ModelUse use, ModelRules.Facts facts)
    {
        var regions = use.Key == 0 ? _setup.Regions : 1;
        var states = Enumerable.Range(0, regions).Select(region => _aws.Kms[use.Key, region]).ToArray();
        if (!states.All(state => state is KmsState.Works or KmsState.Outage or KmsState.Throttles)
            || _aws.DeniedContexts[use.Key].Count > 0 || !HasCredentials(use.Key))
        {
            return false;
        }

        var isOutage = states.All(state => state == KmsState.Outage) && _aws.Sts is StsState.Works or StsState.Outage;
        var grace = isOutage ? _setup.Grace : TimeSpan.Zero;
        var limit = _rules.MaxAge + grace - Margin;
        var origin = _rules.OriginOf(use.Origin)!;
        var since = use.Kind == ModelUseKind.Write ? origin.First : origin.Last;
        var accepted = use.IsRead ? facts.Decrypted! : origin.Last;
        var denied = Math.Max(facts.Denied?.Number ?? -1, facts.AccessDenied?.Number ?? -1);
        return _clock.HighestAge(since.Sent) < limit && _clock.HighestAge(accepted.Sent) < limit
            && origin.First.Number > denied && origin.Last.Number > denied;
    }

    private bool HasCredentials(int key) => !_setup.HasRole
        ? _aws.AccessKeyIsActive
        : _aws.Sts != StsState.Denies && _aws.NewestSession(key) is { } newest && newest.Number > _aws.RevokedSessions
            && _clock.HighestAge(newest.Sent) < ModelSetup.SessionDuration - TimeSpan.FromMinutes(1);
}
