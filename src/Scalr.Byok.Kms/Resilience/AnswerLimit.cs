using System.Net;
using System.Security.Cryptography;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>Reads the body of each answer, with a limit on its length and within the time limits.</summary>
/// <remarks>
/// The AWS SDK has no such limit, and reads bodies on a blocked thread that a time limit does not free. Whatever answers in place of AWS
/// could fill the host's memory. A body with a too large Content-Length is rejected before it is read. The bytes are counted all the same,
/// because Content-Length is only a claim: HTTP/1.1 ignores it beside chunks.
/// </remarks>
internal sealed class AnswerLimit : DelegatingHandler
{
    /// <summary>
    /// The longest body to read. Answers of AWS KMS and AWS STS have a few KiB: a blob of at most 6 KiB in base64, or a session token.
    /// </summary>
    public const int MaxBodyLength = 1024 * 1024;

    private const int FirstLength = 4096;

    private readonly IWebProxy? _proxy;

    /// <param name="innerHandler">Sends the requests.</param>
    /// <param name="proxy">Its proxy, for messages; null if it has none.</param>
    public AnswerLimit(HttpMessageHandler innerHandler, IWebProxy? proxy = null)
        : base(innerHandler) => _proxy = proxy;

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Only asynchronous calls are supported: synchronous calls would bypass the limit.");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage? response = null;
        try
        {
            response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            using var content = response.Content; // releases the connection
            var whole = await ReadAsync(content, cancellationToken).ConfigureAwait(false);
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                whole.Headers.TryAddWithoutValidation(name, values);
            }

            response.Content = whole;
            return response;
        }
        catch (Exception error)
        {
            response?.Dispose();
            NetworkFailure.Note(error, request.RequestUri, ProxyOf(request.RequestUri));
            throw;
        }
    }

    private Uri? ProxyOf(Uri? address) =>
        address is not null && _proxy?.IsBypassed(address) == false ? _proxy.GetProxy(address) : null;

    private static async Task<AnswerContent> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > MaxBodyLength)
        {
            throw new AnswerTooLargeException();
        }

        var body = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[content.Headers.ContentLength + 1 ?? FirstLength]; // one more byte, to detect the end
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

                    // The body may contain a plaintext data key, so the smaller buffer is erased before it is released.
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
