using System.Net;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>Reads AWS's time from the Date header of each successful answer. Changes nothing.</summary>
internal sealed class AnswerDates : DelegatingHandler
{
    private readonly AwsTime _time;

    /// <param name="innerHandler">Sends the requests.</param>
    /// <param name="time">Receives the dates.</param>
    public AnswerDates(HttpMessageHandler innerHandler, AwsTime time)
        : base(innerHandler) => _time = time;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var sent = _time.Clock.Now;
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);

        // AWS's own answers have a request id. An answer that something else sent in AWS's place has none.
        if (response.StatusCode == HttpStatusCode.OK && response.Headers.Date is { } date
            && response.Headers.NonValidated.Contains("x-amzn-RequestId"))
        {
            _time.Note(sent, _time.Clock.Now, date);
        }

        return response;
    }
}
