namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Where a plaintext data key comes from: its wrapped form, which of the customer's keys unwraps that, and when AWS KMS last showed that it may.</summary>
internal sealed class KeyOrigin
{
    private long _confirmed;
    private volatile bool _isFailing;

    /// <param name="owner">The customer's key.</param>
    /// <param name="encrypted">The wrapped form.</param>
    /// <param name="context">The encryption context that it is wrapped with.</param>
    /// <param name="asked">The timestamp of just before AWS KMS was asked to wrap or to unwrap it.</param>
    public KeyOrigin(KmsKeyArn owner, EncryptedDataKey encrypted, IReadOnlyDictionary<string, string> context, long asked)
    {
        Owner = owner;
        Encrypted = encrypted;
        Context = context;
        _confirmed = asked;
    }

    public KmsKeyArn Owner { get; }

    public EncryptedDataKey Encrypted { get; }

    public IReadOnlyDictionary<string, string> Context { get; }

    /// <summary>The timestamp at which AWS KMS was last asked with success.</summary>
    public long Confirmed => Volatile.Read(ref _confirmed);

    /// <summary>Whether AWS failed to answer when it was last asked.</summary>
    public bool IsFailing => _isFailing;

    /// <summary>AWS KMS has unwrapped it once more.</summary>
    /// <param name="asked">The timestamp of just before it was asked.</param>
    public void Confirm(long asked)
    {
        _isFailing = false;
        Volatile.Write(ref _confirmed, Math.Max(asked, Confirmed));
    }

    /// <summary>AWS did not answer.</summary>
    public void Fail() => _isFailing = true;

    /// <summary>Whether a customer's key is the one that unwraps it, in whatever Region.</summary>
    public bool IsOf(KmsKeyArn owner) => Owner == owner || Owner.IsReplicaOf(owner);
}
