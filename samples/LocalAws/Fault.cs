using System.Text;

namespace LocalAws;

/// <summary>
/// A fault for tests. It applies to requests that match all of its filters. Set filters with <c>with</c>:
/// <code>server.Faults.Add(Fault.Drop() with { Operation = "Decrypt", Region = "us-east-1", Times = 2 });</code>
/// </summary>
public sealed record Fault
{
    private Fault(FaultKind kind)
    {
        Kind = kind;
    }

    /// <summary>The kind of the fault.</summary>
    public FaultKind Kind { get; }

    /// <summary>The service to match: kms or sts; null for both.</summary>
    public string? Service { get; init; }

    /// <summary>The operation to match, for example Encrypt or AssumeRole; null for all.</summary>
    public string? Operation { get; init; }

    /// <summary>The ARN of the key or role to match, even if the request names it in another form; null for all.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// The Region of the request's signature; without one, that of <see cref="LocalAwsServer.EndpointIn"/>, else us-east-1. Null for all.
    /// </summary>
    public string? Region { get; init; }

    /// <summary>The number of requests that the fault applies to; null for all.</summary>
    public int? Times { get; init; }

    /// <summary>
    /// The share of matching requests that the fault applies to, chosen at random with a fixed seed. Default: 1 (all).
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

    /// <summary>An error in the service's own format. The request is not carried out.</summary>
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
    /// <param name="release">The task that the test completes. All requests that wait for it are then answered.</param>
    public static Fault Hold(Task release)
    {
        ArgumentNullException.ThrowIfNull(release);
        return new Fault(FaultKind.Hold) { Release = release };
    }

    /// <summary>The connection is reset without an answer. The request is not carried out.</summary>
    public static Fault Drop() => new(FaultKind.Drop);

    /// <summary>
    /// The request is carried out. Headers and half of the answer's body are sent, then nothing until the client disconnects.
    /// </summary>
    public static Fault StalledBody() => new(FaultKind.StalledBody);

    /// <summary>The request is carried out; headers and half of the answer's body are sent, then the connection is reset.</summary>
    public static Fault CutBody() => new(FaultKind.CutBody);

    /// <summary>No answer until the client disconnects. The request is not carried out.</summary>
    public static Fault BlackHole() => new(FaultKind.BlackHole);

    /// <summary>Another answer: HTML from a proxy, an empty 200, JSON without some members. The request is not carried out.</summary>
    public static Fault Body(int status, string contentType, string body)
    {
        ArgumentNullException.ThrowIfNull(contentType);
        ArgumentNullException.ThrowIfNull(body);
        return new Fault(FaultKind.Body) { Status = status, ContentType = contentType, Text = body };
    }

    /// <summary>
    /// A long answer, which is generated as it is sent and ends when the client disconnects. The request is not carried out.
    /// </summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="contentType">The media type.</param>
    /// <param name="prefix">The start of the body, such as <c>{"KeyId":"</c>. The letter x follows, up to the length.</param>
    /// <param name="length">The body's length in bytes.</param>
    /// <param name="isChunked">Whether the answer has no Content-Length, so that the client does not know the length.</param>
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

    /// <summary>The server's clock is wrong, for the check of the signature and in the Date header.</summary>
    /// <param name="skew">The error of the clock. Positive: the server is ahead.</param>
    public static Fault ClockSkew(TimeSpan skew) => new(FaultKind.ClockSkew) { Span = skew };

    /// <summary>
    /// ThrottlingException for requests beyond a number in each window of <see cref="LocalAwsOptions.Time"/>.
    /// </summary>
    /// <param name="requests">The number of requests of a window that get the usual answer.</param>
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
