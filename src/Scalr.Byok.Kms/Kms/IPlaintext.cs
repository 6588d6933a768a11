namespace Scalr.Byok.Kms.Kms;

/// <summary>Plaintext that kms:Encrypt wraps. The owner keeps the bytes. A request uses a copy and erases it.</summary>
internal interface IPlaintext
{
    int Length { get; }

    /// <exception cref="ObjectDisposedException">The plaintext is erased.</exception>
    void CopyTo(Span<byte> destination);
}

/// <summary>Reads the plaintext of an answer to kms:Decrypt. The bytes are erased when it returns.</summary>
internal delegate T TakePlaintext<out T>(ReadOnlySpan<byte> plaintext);
