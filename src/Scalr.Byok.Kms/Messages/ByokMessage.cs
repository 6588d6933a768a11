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

    /// <summary>Reads what stands in clear at the start of a stream's message, which may be of any length. Nothing of it is authenticated: anybody could have written it.</summary>
    /// <param name="message">
    /// Read from its present position to the end of the header and maybe some kilobytes further. Neither closed nor rewound: to decrypt the message afterwards, go back.
    /// </param>
    /// <param name="maxHeaderLength">The longest header, in bytes, that is read: 1,024 or more. Default 131,072, as <see cref="ByokOptions.MaxHeaderLength"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The header.</returns>
    /// <remarks>What the stream throws passes through unchanged.</remarks>
    /// <exception cref="ArgumentException"><paramref name="message"/> cannot be read, or <paramref name="maxHeaderLength"/> is too small.</exception>
    /// <exception cref="ByokDecryptionException">
    /// This is no message, ends within its header, has a longer header, or is of a kind that is not read: the exception's message says which.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<UnauthenticatedHeader> ReadAsync(Stream message, int maxHeaderLength = 131_072, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeaderLength, 1024);
        if (!message.CanRead)
        {
            throw new ArgumentException("The stream cannot be read.", nameof(message));
        }

        MessageInput input = new(message, MessageOptions.Unlimited with { MaxHeaderLength = maxHeaderLength });
        return new UnauthenticatedHeader(await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false));
    }
}
