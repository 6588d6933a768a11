namespace Scalr.Byok.Kms;

/// <summary>One customer's keys: one AWS KMS key that encrypts, and some that may still decrypt.</summary>
/// <remarks>
/// <para>
/// What <see cref="EncryptAsync"/> returns is a message in the AWS Encryption SDK's format: the customer can read it with AWS's own tools and their own key.
/// It is about half a kilobyte longer than the plaintext. It is sealed under a new data key, which only the customer's KMS key can unwrap:
/// once the customer disables the key or takes the permission away, nothing opens any more.
/// </para>
/// <para>
/// The encryption context is not secret: it stands in clear in the message and in the customer's CloudTrail. It is bound to the message,
/// so that data of one record cannot be passed off as data of another. Put identifiers into it, never data that needs protection.
/// </para>
/// <para>Safe for concurrent use. Rings are made by <c>AddScalrByok().AddKeyRing(…)</c> and disposed with the container.</para>
/// </remarks>
public interface IByokKeyRing
{
    /// <summary>The key that encrypts.</summary>
    KmsKeyArn KeyArn { get; }

    /// <summary>Encrypts under the customer's key.</summary>
    /// <param name="plaintext">Any number of bytes, none included. Must not change until the task ends.</param>
    /// <param name="encryptionContext">Pairs to bind to the message; names must not start with <c>aws-crypto-</c>. Null: none.</param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The message.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot be written, or the plaintext is too long for one array.</exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Decrypts a message and returns its plaintext, all of it or nothing.</summary>
    /// <param name="message">What <see cref="EncryptAsync"/> returned. Must not change until the task ends.</param>
    /// <param name="encryptionContext">
    /// Pairs the message must have been encrypted with, to the letter; it may have more. Give what identifies the record that is read. Null: any.
    /// </param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The plaintext, authenticated.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">The message was changed or cut, or belongs to another key or encryption context. Treat it as hostile.</exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);
}
