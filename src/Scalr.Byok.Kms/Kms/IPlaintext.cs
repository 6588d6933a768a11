namespace Scalr.Byok.Kms.Kms;

/// <summary>Plaintext that kms:Encrypt wraps. Its owner keeps the bytes; a request works on a copy that it erases.</summary>
internal interface IPlaintext
{
    int Length { get; }

    /// <exception cref="ObjectDisposedException">The plaintext is erased.</exception>
    void CopyTo(Span<byte> destination);
}

/// <summary>Takes the plaintext of a kms:Decrypt answer. The bytes are erased when it returns.</summary>
internal delegate T TakePlaintext<out T>(ReadOnlySpan<byte> plaintext);
