using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// A denial of the key or of one action, remembered until AWS accepts a request again. Guarded by the lock of its <see cref="KeyAccess"/>.
/// </summary>
internal sealed class Denial
{
    // A field that is not read-only, because Backoff is a struct that changes.
    private Backoff _pause;

    public Denial(ByokKeyUnavailableException error, Moment arrived, int region, bool isOfKey, TimeSpan longestPause)
    {
        Error = error;
        Arrived = arrived;
        Region = region;
        IsOfKey = isOfKey;
        _pause = new Backoff(longestPause, jitters: false);

        // The pause begins with the denial, so not even the next call asks AWS again at once.
        _pause.Fail(arrived.Ticks);
    }

    public ByokKeyUnavailableException Error { get; private set; }

    /// <summary>When the answer arrived. Only a request that was sent later can clear it.</summary>
    public Moment Arrived { get; private set; }

    /// <summary>The Region that denied.</summary>
    public int Region { get; private set; }

    /// <summary>Whether both actions are denied.</summary>
    public bool IsOfKey { get; }

    /// <summary>
    /// Notes that AWS denied again. A denial by a later Region does not replace that of an earlier one: only a Region that is at least as
    /// early can clear it.
    /// </summary>
    public void Repeat(ByokKeyUnavailableException error, Moment arrived, int region)
    {
        Arrived = arrived;

        // The time moves in any case: only a request that was sent after the newest denial may clear it. The pause stays: a trial lengthens
        // it when it begins (TryClaimTrial).
        if (region <= Region)
        {
            (Error, Region) = (error, region);
        }
    }

    /// <summary>Claims the next request to AWS. One caller per pause succeeds; all others fail fast.</summary>
    public bool TryClaimTrial(long now)
    {
        if (now < _pause.Until)
        {
            return false;
        }

        // Before the answer is known: callers that come meanwhile fail at once.
        _pause.Fail(now);
        return true;
    }

    /// <summary>A new exception with the same content. One instance that several callers throw would lose its stack trace.</summary>
    public ByokKeyUnavailableException ToException() => Copy(Error);

    public static ByokKeyUnavailableException Copy(ByokKeyUnavailableException error) =>
        new(error.KeyArn, error.Reason, error.Operation, error.RequestId, error.InnerException)
        {
            IsOfHost = error.IsOfHost,
            OthersAreAccepted = error.OthersAreAccepted,
        };

    /// <inheritdoc cref="Copy(ByokKeyUnavailableException)"/>
    public static ByokException Copy(ByokException error) => error switch
    {
        ByokKeyUnavailableException denial => Copy(denial),
        // Several callers wait for one confirmation, so they get the same exception object.
        ByokServiceException outage => new ByokServiceException(outage.Message, outage.IsTransient, outage.InnerException)
        {
            Operation = outage.Operation,
            Region = outage.Region,
            RequestId = outage.RequestId,
            RetryAfter = outage.RetryAfter,
            FailureKind = outage.FailureKind,
            Code = outage.Code,
        },
        _ => error,
    };
}
