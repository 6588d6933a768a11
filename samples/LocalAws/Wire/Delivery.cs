using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace LocalAws.Wire;

/// <summary>Sends an answer, changed or cut by the fault of the request.</summary>
internal static class Delivery
{
    private static readonly byte[] Filler = [.. Enumerable.Repeat((byte)'x', 16 * 1024)];

    public static async Task SendAsync(
        HttpContext context, Answer? answer, Fault? fault, DateTimeOffset now, CancellationToken cancellationToken)
    {
        switch (fault?.Kind)
        {
            case FaultKind.Drop:
                context.Abort();
                return;
            case FaultKind.BlackHole:
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return;
            case FaultKind.Latency:
                await Task.Delay(fault.Span, cancellationToken);
                break;
            case FaultKind.Hold:
                await fault.Release.WaitAsync(cancellationToken);
                break;
            case FaultKind.ClockSkew:
                context.Response.Headers.Date = (DateTimeOffset.UtcNow + fault.Span).ToString("r", CultureInfo.InvariantCulture);
                break;
            case FaultKind.Body:
                answer = new Answer(fault.Status, fault.ContentType, Encoding.UTF8.GetBytes(fault.Text!));
                break;
            case FaultKind.LongBody:
                await SendLongAsync(context.Response, fault, cancellationToken);
                return;
        }

        if (fault?.Kind == FaultKind.CutBody)
        {
            await SendHalfAndResetAsync(context, answer!, cancellationToken);
            return;
        }

        var (response, body) = (context.Response, answer!.Body);
        response.StatusCode = answer.Status;
        response.ContentType = answer.ContentType;
        response.ContentLength = body.Length;
        if (answer.Status == StatusCodes.Status200OK && fault?.Kind != FaultKind.ClockSkew)
        {
            // Errors keep the system's time: SDK clients correct the clock of their signatures by it.
            response.Headers.Date = now.ToString("r", CultureInfo.InvariantCulture);
        }

        if (answer.RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            response.Headers["x-amz-retry-after"] = Math.Ceiling(wait.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        }

        if (fault?.Kind != FaultKind.StalledBody)
        {
            await response.Body.WriteAsync(body, cancellationToken);
            return;
        }

        await response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    private static async Task SendLongAsync(HttpResponse response, Fault fault, CancellationToken cancellationToken)
    {
        response.StatusCode = fault.Status;
        response.ContentType = fault.ContentType;
        response.ContentLength = fault.IsChunked ? null : fault.Length;
        var prefix = Encoding.UTF8.GetBytes(fault.Text!);
        await response.Body.WriteAsync(prefix, cancellationToken);
        for (var left = fault.Length - prefix.Length; left > 0; left -= Filler.Length)
        {
            await response.Body.WriteAsync(Filler.AsMemory(0, (int)Math.Min(left, Filler.Length)), cancellationToken);
        }
    }

    /// <summary>
    /// Past Kestrel, whose flush may return before the bytes are sent: a reset would then overtake them, and the client would have seen
    /// no answer at all.
    /// </summary>
    private static async Task SendHalfAndResetAsync(HttpContext context, Answer answer, CancellationToken cancellationToken)
    {
        var socket = context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
        var head = $"HTTP/1.1 {answer.Status} {ReasonPhrases.GetReasonPhrase(answer.Status)}\r\n" +
            $"Content-Type: {answer.ContentType}\r\nContent-Length: {answer.Body.Length}\r\n\r\n";
        ReadOnlyMemory<byte> bytes = (byte[])[.. Encoding.ASCII.GetBytes(head), .. answer.Body.AsSpan(0, answer.Body.Length / 2)];
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }

        context.Abort();
    }
}
