using LocalAws.Control;
using LocalAws.Iam;

namespace LocalAws.Wire;

/// <summary>
/// Processes every request: reads it, finds its operation, authenticates it, answers it, applies a fault and logs it.
/// </summary>
internal sealed class FrontDoor
{
    private readonly IService _kms;
    private readonly IService _sts;
    private readonly ControlApi _control;
    private readonly Authenticator _authenticator;
    private readonly Faults _faults;
    private readonly RequestLog _log;
    private readonly TimeProvider _time;
    private readonly Func<string, string?> _materialOf;

    public FrontDoor(Cloud cloud, IService kms, IService sts, ControlApi control, Faults faults, RequestLog log)
    {
        _kms = kms;
        _sts = sts;
        _control = control;
        _authenticator = new Authenticator(cloud);
        _faults = faults;
        _log = log;
        _time = cloud.Time;
        _materialOf = arn => arn.Split(':') is [_, _, _, var region, _, ['k', 'e', 'y', '/', .. var id]]
            ? cloud.FindKey(region, id)?.Family.MaterialId
            : null;
    }

    public async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
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
        var service = request.Headers["X-Amz-Target"].ToString().StartsWith(Kms.KmsService.TargetPrefix, StringComparison.Ordinal)
            ? _kms
            : _sts;
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
        var logged = new LoggedRequest(
            _time.GetUtcNow(), service.Name, request.Region, call.Operation, caller?.Arn, call.Subject, outcome, request.UserAgent)
        {
            RequestId = answer?.RequestId ?? Guid.NewGuid().ToString(),
        };
        _log.Add(logged, answer is null ? null : Trail(logged, call, caller, answer));
        if (answer is not null)
        {
            // What answers in place of AWS has no request id.
            context.Response.Headers["x-amzn-RequestId"] = logged.RequestId;
        }

        await Delivery.SendAsync(context, answer, fault, _time.GetUtcNow(), cancellationToken);
    }

    /// <summary>The event for AWS CloudTrail; null for a caller that AWS cannot name.</summary>
    private TrailEvent? Trail(LoggedRequest logged, Call call, Caller? caller, Answer answer) =>
        caller is null && call.IsSigned ? null : new TrailEvent(logged, caller, answer.ErrorCode)
        {
            EncryptionContext = call.EncryptionContext,
            SessionName = call.SessionName,
            KeyMaterialId = answer.ErrorCode is null && call.Operation is "Encrypt" or "Decrypt" ? _materialOf(call.Subject!) : null,
        };

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
            // Unexpected input. A 500 without a message would make the developer search in the wrong program.
            return service.Refuse(
                new AwsException("InternalFailure", $"LocalAws failed: {error.Message}", StatusCodes.Status500InternalServerError));
        }
    }
}
