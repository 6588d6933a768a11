using System.Security.Cryptography;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>Reads every answer's body itself: within a bound, so that nothing that answers in the place of AWS can fill the host's memory, and within the time limits.</summary>
/// <remarks>
/// The AWS SDK has no limit of its own, and reads bodies with a thread that waits, which a time limit does not free. A body that names its length is refused
/// before a byte of it is read; the bytes are counted all the same, since a length is only a word: beside chunks, HTTP/1.1 has it ignored.
/// </remarks>
internal sealed class AnswerLimit : DelegatingHandler
{
    /// <summary>The longest body that is read. Answers of AWS KMS and AWS STS are a few KiB: a blob of 6 KiB at most in base64, or a session token.</summary>
    public const int MaxBodyLength = 1024 * 1024;

    private const int FirstLength = 4096;

    public AnswerLimit(HttpMessageHandler innerHandler)
        : base(innerHandler)
    {
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Async only: this way would lead past the limit.");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAndReadAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (NetworkFailure.Note(error, request.RequestUri))
        {
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendAndReadAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            using var content = response.Content; // gives the connection back
            var whole = await ReadAsync(content, cancellationToken).ConfigureAwait(false);
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                whole.Headers.TryAddWithoutValidation(name, values);
            }

            response.Content = whole;
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static async Task<AnswerContent> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > MaxBodyLength)
        {
            throw new AnswerTooLargeException();
        }

        var body = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[content.Headers.ContentLength + 1 ?? FirstLength]; // one more: room to see the end
        var length = 0;
        try
        {
            while (await body.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false) is var read && read > 0)
            {
                length += read;
                if (length > MaxBodyLength)
                {
                    throw new AnswerTooLargeException();
                }

                if (length == buffer.Length)
                {
                    var larger = new byte[Math.Min(buffer.Length * 2, MaxBodyLength + 1)];
                    buffer.CopyTo(larger, 0);
                    CryptographicOperations.ZeroMemory(buffer);
                    buffer = larger;
                }
            }
        }
        catch
        {
            CryptographicOperations.ZeroMemory(buffer);
            throw;
        }

        return new AnswerContent(buffer, length);
    }
}
