namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Whatever holds plaintext data keys of a ring. <see cref="KeyAccess"/> has them erased when AWS denies their use.</summary>
internal interface IPlaintextKeys
{
    /// <summary>Erases the plaintext data keys that a denial concerns.</summary>
    /// <returns>How many there were.</returns>
    ErasedKeys Erase(KeyAccess access, DenialScope scope, ByokKeyUnavailableException denial);

    /// <summary>The origin of a cached or open data key in an encryption context; null if there is none.</summary>
    Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> contextId);
}

/// <summary>What a denial concerns: one action or both, in one encryption context or in all.</summary>
internal readonly record struct DenialScope(bool Encrypt, bool Decrypt, ReadOnlyMemory<byte>? ContextId)
{
    public static readonly DenialScope Key = new(Encrypt: true, Decrypt: true, ContextId: null);

    /// <summary>The name of the scope, for the log.</summary>
    public string Name => (this, ContextId) switch
    {
        (_, not null) => "one encryption context",
        ({ Encrypt: true, Decrypt: true }, _) => "the key",
        ({ Encrypt: true }, _) => Diagnostics.AwsAction.Encrypt,
        _ => Diagnostics.AwsAction.Decrypt,
    };

    public bool Concerns(string operation) => operation == Diagnostics.AwsAction.Encrypt ? Encrypt : Decrypt;

    public bool Concerns(ReadOnlyMemory<byte> contextId) => ContextId is not { } mine || mine.Span.SequenceEqual(contextId.Span);
}

/// <summary>How many plaintext data keys a denial erased, for the log.</summary>
internal readonly record struct ErasedKeys(int Cached, int Open, int Streams)
{
    public int Count => Cached + Open + Streams;
}
