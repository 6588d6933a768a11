namespace Scalr.Byok.Kms;

/// <summary>
/// The message cannot be decrypted because of what it is: forged, cut short, made for another key or encryption context, or of a
/// kind that is never accepted. Treat it as hostile; trying again cannot help. No plaintext was released.
/// </summary>
/// <remarks>
/// Tells an attacker nothing that the message did not already show without a key, and therefore never carries an inner exception.
/// </remarks>
public sealed class ByokDecryptionException : ByokException
{
    private const string Unauthenticated =
        "The message could not be authenticated: it was changed or cut short, or it belongs to another key or encryption context. Treat it as hostile.";

    /// <summary>An exception that says that the message could not be authenticated, and no more.</summary>
    public ByokDecryptionException()
        : base(Unauthenticated)
    {
    }

    /// <summary>An exception with its own message. The library throws it; hosts do from their mocks of <c>IByokKeyRing</c>.</summary>
    /// <param name="message">What is wrong with the message, in words that need no key to be known.</param>
    public ByokDecryptionException(string message)
        : base(message)
    {
    }

    /// <summary>Always <see langword="false"/>: the same bytes fail for ever.</summary>
    public override bool IsTransient => false;
}
