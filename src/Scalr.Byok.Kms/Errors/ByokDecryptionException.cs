namespace Scalr.Byok.Kms;

/// <summary>
/// Thrown if a message cannot be authenticated or is not accepted: forged, cut, of another key or encryption context, or of an unsupported
/// kind. Treat the message as hostile.
/// </summary>
/// <remarks>
/// If a call on bytes throws this exception, it has returned no plaintext. If a call on streams throws it, discard what was written. A
/// retry cannot succeed. The exception contains only what can be read from the message without a key. So it never has an inner exception.
/// </remarks>
public sealed class ByokDecryptionException : ByokException
{
    private const string Unauthenticated =
        "The message could not be authenticated: it was changed or cut short, or it belongs to another key, encryption context "
        + "or place. Treat it as hostile.";

    /// <summary>Creates the exception for a message that could not be authenticated.</summary>
    public ByokDecryptionException()
        : base(Unauthenticated)
    {
    }

    /// <summary>Creates an exception with a message. For the library, and for mocks of <c>IByokKeyRing</c>.</summary>
    /// <param name="message">What is wrong with the message, as far as it shows without a key.</param>
    public ByokDecryptionException(string message)
        : base(message)
    {
    }

    /// <summary>Always <see langword="false"/>: a retry with the same bytes fails again.</summary>
    public override bool IsTransient => false;
}
