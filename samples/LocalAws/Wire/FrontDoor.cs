using LocalAws.Control;
using LocalAws.Iam;

namespace LocalAws.Wire;

/// <summary>Every request enters here: it is read, named, authenticated, answered or refused, logged, and handed back, with a fault in between.</summary>
internal sealed class FrontDoor
{
    private readonly IService _kms;
    private readonly IService _sts;
    private readonly ControlApi _control;
    private readonly Authenticator _authenticator;
    private readonly Faults _faults;
    private readonly RequestLog _log;
    private readonly TimeProvider _time;

    public FrontDoor(Cloud cloud, IService kms, IService sts, ControlApi control, Faults faults, RequestLog log)
    {
        _kms = kms;
        _sts = sts;
        _control = control;
        _authenticator = new Authenticator(cloud);
        _faults = faults;
        _log = log;
        _time = cloud.Time;
    }

    public async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        context.Response.Headers["x-amzn-RequestId"] = Guid.NewGuid().ToString();
        if (!Neighbours.MayCome(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        if (context.Request.Path.StartsWithSegments(ControlApi.Root))
        {
            await _control.AnswerAsync(context, cancellationToken);
            return;
        }

        var request = await WireRequest.ReadAsync(context.Request, cancellationToken);
        var service = request.Headers["X-Amz-Target"].ToString().StartsWith(Kms.KmsService.TargetPrefix, StringComparison.Ordinal) ? _kms : _sts;
        var call = service.Open(request);
        var fault = _faults.Match(service.Name, call.Operation, call.Subject, request.Region);

        var (caller, refusal) = Identify(request, service, call, fault);
        var answer = fault?.Kind switch
        {
            FaultKind.Error or FaultKind.Throttle => service.Refuse(
                new AwsException(fault.Code, fault.Text, fault.Status) { RetryAfter = fault.RetryAfter }),
            FaultKind.Drop or FaultKind.BlackHole or FaultKind.Body or FaultKind.LongBody => null,
            _ when refusal is not null => service.Refuse(refusal),
            _ => await CarryOutAsync(service, call, caller, cancellationToken),
        };

        var outcome = fault?.Kind switch
        {
            FaultKind.StalledBody or FaultKind.CutBody => $"fault:{fault.Kind}",
            _ => answer is null ? $"fault:{fault!.Kind}" : answer.ErrorCode,
        };
        _log.Add(new LoggedRequest(
            _time.GetUtcNow(), service.Name, request.Region, call.Operation, caller?.Arn, call.Subject, outcome, request.UserAgent));
        await Delivery.SendAsync(context, answer, fault, cancellationToken);
    }

    private (Caller? Caller, AwsException? Refusal) Identify(WireRequest request, IService service, Call call, Fault? fault)
    {
        try
        {
            var skew = fault?.Kind == FaultKind.ClockSkew ? fault.Span : TimeSpan.Zero;
            return (call.IsSigned ? _authenticator.Authenticate(request, service.Name, skew) : null, null);
        }
        catch (NotAuthenticatedException reason)
        {
            return (null, service.Refusal(reason));
        }
    }

    private static async Task<Answer> CarryOutAsync(IService service, Call call, Caller? caller, CancellationToken cancellationToken)
    {
        try
        {
            return await call.AnswerAsync(caller, cancellationToken);
        }
        catch (AwsException error)
        {
            return service.Refuse(error);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Input that nobody thought of. A nameless 500 would send the developer looking in the wrong program.
            return service.Refuse(new AwsException("InternalFailure", $"LocalAws failed: {error.Message}", StatusCodes.Status500InternalServerError));
        }
    }
}
