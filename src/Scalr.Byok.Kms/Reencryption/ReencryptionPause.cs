namespace Scalr.Byok.Kms;

/// <summary>A pause of a run: the key is unavailable, or AWS gives no usable answer.</summary>
public sealed class ReencryptionPause
{
    internal ReencryptionPause(ByokException cause, DateTimeOffset since, DateTimeOffset retryAt)
    {
        Cause = cause;
        Since = since;
        RetryAt = retryAt;
    }

    /// <summary>
    /// The last failure: a <see cref="ByokKeyUnavailableException"/>, whose remedy the customer can be shown, or a
    /// <see cref="ByokServiceException"/>.
    /// </summary>
    public ByokException Cause { get; }

    /// <summary>When the pause began.</summary>
    public DateTimeOffset Since { get; }

    /// <summary>When the run tries again.</summary>
    public DateTimeOffset RetryAt { get; }
}
