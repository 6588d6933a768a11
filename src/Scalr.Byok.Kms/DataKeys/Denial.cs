using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A denial of the key or of one action that is remembered until AWS accepts again. Guarded by the lock of its <see cref="KeyAccess"/>.</summary>
internal sealed class Denial
{
    private Backoff _pause;

    public Denial(ByokKeyUnavailableException error, Moment arrived, int region, bool isOfKey, TimeSpan longestPause)
    {
        Error = error;
        Arrived = arrived;
        Region = region;
        IsOfKey = isOfKey;
        _pause = new Backoff(longestPause, jitters: false);
        _pause.Fail(arrived.Ticks);
    }

    public ByokKeyUnavailableException Error { get; private set; }

    /// <summary>When the answer arrived. Only a request that was sent later can clear it.</summary>
    public Moment Arrived { get; private set; }

    /// <summary>The Region that denied.</summary>
    public int Region { get; private set; }

    /// <summary>Whether both actions are denied.</summary>
    public bool IsOfKey { get; }

    /// <summary>The same denial came again. Another one by a later Region leaves what the earlier Region said, which only that Region can take back.</summary>
    public void Repeat(ByokKeyUnavailableException error, Moment arrived, int region)
    {
        Arrived = arrived;
        if (region <= Region)
        {
            (Error, Region) = (error, region);
        }
    }

    /// <summary>Takes the right to ask AWS again, which one caller gets after each pause.</summary>
    public bool TryClaimTrial(long now)
    {
        if (now < _pause.Until)
        {
            return false;
        }

        _pause.Fail(now);
        return true;
    }

    /// <summary>A new exception that says the same: an exception that is thrown twice loses its stack trace.</summary>
    public ByokKeyUnavailableException ToException() => Copy(Error);

    public static ByokKeyUnavailableException Copy(ByokKeyUnavailableException error) =>
        new(error.KeyArn, error.Reason, error.Operation, error.RequestId, error.InnerException);

    /// <inheritdoc cref="Copy(ByokKeyUnavailableException)"/>
    public static ByokException Copy(ByokException error) => error switch
    {
        ByokKeyUnavailableException denial => Copy(denial),
        ByokServiceException outage => new ByokServiceException(outage.Message, outage.IsTransient, outage.InnerException)
        {
            Operation = outage.Operation,
            Region = outage.Region,
            RequestId = outage.RequestId,
            RetryAfter = outage.RetryAfter,
            Trouble = outage.Trouble,
            Code = outage.Code,
        },
        _ => error,
    };
}
