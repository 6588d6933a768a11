namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The owner of all plaintext data keys of a ring. <see cref="KeyAccess"/> has it erase them when AWS denies their use.</summary>
internal interface IPlaintextKeys
{
    /// <summary>Erases the plaintext data keys that a denial concerns.</summary>
    /// <returns>The number of data keys.</returns>
    ErasedKeys Erase(KeyAccess access, DenialScope scope, ByokKeyUnavailableException denial);

    /// <summary>The origin of a cached or open data key in an encryption context; null if there is none.</summary>
    Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> contextId);

    /// <summary>The origin of the open data key with this ciphertext and encryption context; null if none is open.</summary>
    Origin? FindOpenOrigin(KeyAccess access, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> contextId);
}

/// <summary>The scope of a denial: one action or both, in one encryption context or in all.</summary>
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

/// <summary>The number of plaintext data keys that a denial erased, for the log.</summary>
internal readonly record struct ErasedKeys(int Cached, int Open, int Streams)
{
    public int Count => Cached + Open + Streams;
}
