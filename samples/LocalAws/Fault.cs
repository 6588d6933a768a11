using System.Text;

namespace LocalAws;

/// <summary>
/// Something that goes wrong on request. A fault matches a request by all the filters that are set; narrow it with <c>with</c>:
/// <code>server.Faults.Add(Fault.Drop() with { Operation = "Decrypt", Region = "us-east-1", Times = 2 });</code>
/// </summary>
public sealed record Fault
{
    private Fault(FaultKind kind)
    {
        Kind = kind;
    }

    /// <summary>What it does.</summary>
    public FaultKind Kind { get; }

    /// <summary>kms or sts; null for both.</summary>
    public string? Service { get; init; }

    /// <summary>For example Encrypt or AssumeRole; null for all.</summary>
    public string? Operation { get; init; }

    /// <summary>The ARN of a key, however the request names it, or of a role; null for all.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// The Region of the request's signature; without one, that of <see cref="LocalAwsServer.EndpointIn"/>, else us-east-1. Null for all.
    /// </summary>
    public string? Region { get; init; }

    /// <summary>How many requests it hits before it is used up; null for ever.</summary>
    public int? Times { get; init; }

    /// <summary>
    /// The share of matching requests that it hits, by a repeatable dice: 0.5 with <see cref="Error"/> throttles half. 1 by default.
    /// </summary>
    public double Probability { get; init; } = 1;

    internal string Code { get; private init; } = string.Empty;

    internal int Status { get; private init; }

    internal string? Text { get; private init; }

    internal string ContentType { get; private init; } = string.Empty;

    internal TimeSpan? RetryAfter { get; private init; }

    internal TimeSpan Span { get; private init; }

    internal Task Release { get; private init; } = Task.CompletedTask;

    internal int Allowed { get; private init; }

    internal long Length { get; private init; }

    internal bool IsChunked { get; private init; }

    /// <summary>An error in the service's own format, before anything was done.</summary>
    /// <param name="code">For example ThrottlingException.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="message">The message; null for none.</param>
    /// <param name="retryAfter">Sent as Retry-After (seconds) and x-amz-retry-after (milliseconds).</param>
    public static Fault Error(string code, int status = 400, string? message = null, TimeSpan? retryAfter = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        return new Fault(FaultKind.Error) { Code = code, Status = status, Text = message, RetryAfter = retryAfter };
    }

    /// <summary>
    /// The request is carried out at once; the usual answer is sent after a delay of real time, whatever <see cref="LocalAwsOptions.Time"/>
    /// says.
    /// </summary>
    public static Fault Latency(TimeSpan delay) => new(FaultKind.Latency) { Span = delay };

    /// <summary>
    /// The request is carried out at once; the usual answer is sent when a task ends. For late answers on a clock that a test moves.
    /// </summary>
    /// <param name="release">The test completes it; all requests that wait for it are then answered.</param>
    public static Fault Hold(Task release)
    {
        ArgumentNullException.ThrowIfNull(release);
        return new Fault(FaultKind.Hold) { Release = release };
    }

    /// <summary>The connection is reset before an answer; nothing was done.</summary>
    public static Fault Drop() => new(FaultKind.Drop);

    /// <summary>
    /// The request is carried out; headers and half of the answer's body are sent, then nothing until the client goes away.
    /// </summary>
    public static Fault StalledBody() => new(FaultKind.StalledBody);

    /// <summary>The request is carried out; headers and half of the answer's body are sent, then the connection is reset.</summary>
    public static Fault CutBody() => new(FaultKind.CutBody);

    /// <summary>No answer at all until the client goes away; nothing was done.</summary>
    public static Fault BlackHole() => new(FaultKind.BlackHole);

    /// <summary>Another answer instead: HTML from a proxy, an empty 200, JSON that lacks members. Nothing was done.</summary>
    public static Fault Body(int status, string contentType, string body)
    {
        ArgumentNullException.ThrowIfNull(contentType);
        ArgumentNullException.ThrowIfNull(body);
        return new Fault(FaultKind.Body) { Status = status, ContentType = contentType, Text = body };
    }

    /// <summary>
    /// A long answer instead, of which the server holds a few KiB and sends no more once the client has gone. Nothing was done.
    /// </summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="contentType">The media type.</param>
    /// <param name="prefix">What the body begins with, such as <c>{"KeyId":"</c>; as many x follow as it takes.</param>
    /// <param name="length">The body's length in bytes.</param>
    /// <param name="isChunked">Whether the length is left out of the answer's head, so that the client cannot know it beforehand.</param>
    public static Fault LongBody(int status, string contentType, string prefix, long length, bool isChunked = false)
    {
        ArgumentNullException.ThrowIfNull(contentType);
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, Encoding.UTF8.GetByteCount(prefix));
        return new Fault(FaultKind.LongBody)
        {
            Status = status,
            ContentType = contentType,
            Text = prefix,
            Length = length,
            IsChunked = isChunked,
        };
    }

    /// <summary>The server's clock is off, when it checks the signature and in the Date header.</summary>
    /// <param name="skew">Positive: the server is ahead.</param>
    public static Fault ClockSkew(TimeSpan skew) => new(FaultKind.ClockSkew) { Span = skew };

    /// <summary>
    /// ThrottlingException for whatever goes beyond a number of requests in each window of <see cref="LocalAwsOptions.Time"/>.
    /// </summary>
    /// <param name="requests">How many requests of a window are answered as usual.</param>
    /// <param name="window">The length of a window.</param>
    /// <param name="retryAfter">Sent as Retry-After (seconds) and x-amz-retry-after (milliseconds).</param>
    public static Fault Throttle(int requests, TimeSpan window, TimeSpan? retryAfter = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(requests);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(window, TimeSpan.Zero);
        return new Fault(FaultKind.Throttle)
        {
            Code = "ThrottlingException",
            Status = 400,
            Text = "Rate exceeded",
            Allowed = requests,
            Span = window,
            RetryAfter = retryAfter,
        };
    }

    internal bool Concerns(string service, string operation, string? key, string region) =>
        (Service is null || Service == service) &&
        (Operation is null || Operation == operation) &&
        (Key is null || Key == key) &&
        (Region is null || Region == region);
}
