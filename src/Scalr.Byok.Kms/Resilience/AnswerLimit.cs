namespace Scalr.Byok.Kms.Resilience;

/// <summary>Bounds every answer's body, so that nothing that answers in the place of AWS can fill the host's memory.</summary>
/// <remarks>
/// The AWS SDK has no limit of its own. A body that names its length is refused before a byte of it is read; the bytes are counted all the same,
/// since a length is only a word: beside chunks, HTTP/1.1 has it ignored. What AWS really answers passes as it comes, neither copied nor held.
/// </remarks>
internal sealed class AnswerLimit : DelegatingHandler
{
    /// <summary>The longest body that is read. Answers of AWS KMS and AWS STS are a few KiB: a blob of 6 KiB at most in base64, or a session token.</summary>
    public const int MaxBodyLength = 1024 * 1024;

    public AnswerLimit(HttpMessageHandler innerHandler)
        : base(innerHandler)
    {
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Async only: this way would lead past the limit.");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            response.Content = await BoundAsync(response.Content, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                // Nothing secret and a few words. The AWS SDK would read it with a thread that waits, out of the time limits' reach, and copy it many times.
                await response.Content.LoadIntoBufferAsync(cancellationToken).ConfigureAwait(false);
            }

            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static async Task<HttpContent> BoundAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > MaxBodyLength)
        {
            throw new AnswerTooLargeException();
        }

        // The stream is the connection's own, and closing it gives the connection back: nothing is read here.
        var body = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var bounded = new StreamContent(new AnswerBody(body, MaxBodyLength));
        foreach (var (name, values) in content.Headers.NonValidated)
        {
            bounded.Headers.TryAddWithoutValidation(name, values);
        }

        return bounded;
    }
}
