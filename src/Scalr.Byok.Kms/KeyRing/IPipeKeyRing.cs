using System.Buffers;
using System.IO.Pipelines;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A key ring that works on pipes and on bytes in several pieces without copying them.</summary>
internal interface IPipeKeyRing
{
    /// <summary>Encrypts from pipe to pipe. Completes neither.</summary>
    Task EncryptAsync(
        PipeReader plaintext,
        PipeWriter message,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken);

    /// <summary>Decrypts from pipe to pipe. Completes neither.</summary>
    Task DecryptAsync(
        PipeReader message,
        PipeWriter plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken);

    /// <summary>Encrypts bytes in several pieces into a buffer of the caller.</summary>
    ValueTask EncryptAsync(
        ReadOnlySequence<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken);

    /// <summary>Decrypts a message in several pieces into a buffer of the caller: all of it or nothing.</summary>
    ValueTask DecryptAsync(
        ReadOnlySequence<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken);
}
