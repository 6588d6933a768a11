namespace LocalAws.Control;

/// <summary>A <see cref="Fault"/> as JSON; times are in milliseconds.</summary>
internal sealed record ControlFault(
    FaultKind Kind,
    string? Service = null,
    string? Operation = null,
    string? Key = null,
    string? Region = null,
    int? Times = null,
    double Probability = 1,
    string? Code = null,
    int? Status = null,
    string? Message = null,
    string? ContentType = null,
    string? Body = null,
    long? Length = null,
    bool Chunked = false,
    double? RetryAfter = null,
    double? Delay = null,
    double? Skew = null,
    int? Requests = null,
    double? Window = null)
{
    public static ControlFault Of(Fault fault) => new(
        fault.Kind,
        fault.Service,
        fault.Operation,
        fault.Key,
        fault.Region,
        fault.Times,
        fault.Probability,
        fault.Code is { Length: > 0 } code ? code : null);

    public Fault ToFault() => Effect() with
    {
        Service = Service,
        Operation = Operation,
        Key = Key,
        Region = Region,
        Times = Times,
        Probability = Probability,
    };

    private static TimeSpan Span(double? milliseconds) => TimeSpan.FromMilliseconds(milliseconds ?? 0);

    private Fault Effect() => Kind switch
    {
        FaultKind.Error => Fault.Error(Code ?? string.Empty, Status ?? 400, Message, RetryAfter is null ? null : Span(RetryAfter)),
        FaultKind.Latency => Fault.Latency(Span(Delay)),
        FaultKind.Drop => Fault.Drop(),
        FaultKind.StalledBody => Fault.StalledBody(),
        FaultKind.CutBody => Fault.CutBody(),
        FaultKind.BlackHole => Fault.BlackHole(),
        FaultKind.Body => Fault.Body(Status ?? 200, ContentType ?? "text/html", Body ?? string.Empty),
        FaultKind.LongBody => Fault.LongBody(Status ?? 200, ContentType ?? "text/html", Body ?? string.Empty, Length ?? 1L << 30, Chunked),
        FaultKind.ClockSkew => Fault.ClockSkew(Span(Skew)),
        FaultKind.Throttle => Fault.Throttle(Requests ?? 0, Span(Window), RetryAfter is null ? null : Span(RetryAfter)),
        _ => throw new ArgumentException($"'{Kind}' is no kind of fault that can be armed over HTTP."),
    };
}
