namespace Scalr.Byok.Kms.DataKeys;

/// <summary>How long open data keys of a ring may be used.</summary>
/// <param name="MaxAge">How long after AWS KMS has confirmed a key.</param>
/// <param name="OutageGrace">How much longer while AWS is failing.</param>
/// <param name="Time">The clock.</param>
/// <param name="Touch">Told of each use.</param>
internal sealed record TenureTerms(TimeSpan MaxAge, TimeSpan OutageGrace, TimeProvider Time, Action Touch)
{
    /// <summary>For how long a key is worth keeping.</summary>
    public TimeSpan Longest => MaxAge + OutageGrace;
}
