using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms;

/// <summary>Looks into messages without any key and without any call to AWS.</summary>
/// <remarks>For operators and for tools: which key a message needs, what it is bound to, how it is laid out.</remarks>
public static class ByokMessage
{
    /// <summary>Reads what stands in clear at the start of a message. Nothing of it is authenticated: anybody could have written it.</summary>
    /// <param name="message">
    /// A message, or its beginning. The header takes about half a kilobyte; the most it can take depends on its encryption context
    /// (64 KiB) and its encrypted data keys. Bytes behind the header are not looked at.
    /// </param>
    /// <returns>The header, copied: it does not change when <paramref name="message"/> does.</returns>
    /// <remarks>Takes time and memory in proportion to the header that is there, never to the lengths that it claims.</remarks>
    /// <exception cref="ByokDecryptionException">
    /// This is no message, ends within its header, or is of a kind that is not read: the exception's message says which.
    /// </exception>
    public static UnauthenticatedHeader Read(ReadOnlyMemory<byte> message) => new(MessageHeader.Read(message, MessageOptions.Unlimited));
}
