using System.Globalization;
using System.Text;

namespace LocalAws.Wire;

/// <summary>Puts an answer on the wire, or fails to, as the fault of the request has it.</summary>
internal static class Delivery
{
    public static async Task SendAsync(HttpContext context, Answer? answer, Fault? fault, CancellationToken cancellationToken)
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
            case FaultKind.ClockSkew:
                context.Response.Headers.Date = (DateTimeOffset.UtcNow + fault.Span).ToString("r", CultureInfo.InvariantCulture);
                break;
            case FaultKind.Body:
                answer = new Answer(fault.Status, fault.ContentType, Encoding.UTF8.GetBytes(fault.Text!));
                break;
        }

        var (response, body) = (context.Response, answer!.Body);
        response.StatusCode = answer.Status;
        response.ContentType = answer.ContentType;
        response.ContentLength = body.Length;
        if (answer.RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            response.Headers["x-amz-retry-after"] = Math.Ceiling(wait.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        }

        if (fault?.Kind is not (FaultKind.StalledBody or FaultKind.CutBody))
        {
            await response.Body.WriteAsync(body, cancellationToken);
            return;
        }

        await response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
        if (fault.Kind == FaultKind.StalledBody)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        context.Abort();
    }
}
