namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A key ring that counts its requests to AWS KMS.</summary>
internal interface IMeteredKeyRing
{
    /// <summary>
    /// The number of requests to AWS KMS since the ring was made. Starts again at 0 when a change of settings makes a new ring.
    /// </summary>
    long KmsRequests { get; }
}
