namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>The ways to use a plaintext data key that the ring has already.</summary>
internal enum UseKind
{
    /// <summary>Decrypts a message whose data key is cached.</summary>
    DecryptMessage,

    /// <summary>Encrypts a message under a cached data key. The ring has never decrypted.</summary>
    EncryptMessage,

    /// <summary>Opens an encrypted data key whose plaintext is cached.</summary>
    OpenDataKey,

    /// <summary>Decrypts a value under an open data key.</summary>
    DecryptValue,

    /// <summary>Encrypts a value under an open data key.</summary>
    EncryptValue,

    /// <summary>Decrypts one more segment of a stream.</summary>
    DecryptStream,

    /// <summary>Encrypts one more segment of a stream. The ring has never decrypted.</summary>
    EncryptStream,

    /// <summary>Decrypts one more frame of a pipe.</summary>
    DecryptPipe,

    /// <summary>Encrypts one more frame of a pipe. The ring has never decrypted.</summary>
    EncryptPipe,
}

/// <summary>What the kinds have in common.</summary>
internal static class UseKinds
{
    /// <summary>Whether it is a call that goes on, and is moved by what it is fed.</summary>
    public static bool IsStream(this UseKind kind) =>
        kind is UseKind.DecryptStream or UseKind.EncryptStream or UseKind.DecryptPipe or UseKind.EncryptPipe;
}
