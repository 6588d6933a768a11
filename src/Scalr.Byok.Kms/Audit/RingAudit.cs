using System.Diagnostics;
using System.Net.Http;
using System.Security.Cryptography;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Audit;

/// <summary>Records the requests of one ring, or of one verification. Exists only if the host has added a sink.</summary>
/// <remarks>All five calls of the AWS SDK go through <see cref="SendAsync"/>, so each request has exactly one record.</remarks>
internal sealed class RingAudit
{
    /// <summary>The name of <see cref="ByokAuditRecord.Id"/> in the user agent.</summary>
    private const string UserAgentName = "md/byok-audit#";

    // Ambient, because work that callers share passes many methods that know neither the caller nor the cause.
    private static readonly AsyncLocal<AuditOrigin?> Shared = new();

    private readonly AuditSinks _sinks;
    private readonly string? _owner;
    private readonly bool _isTenant;
    private readonly bool _isVerification;

    /// <param name="sinks">The host's sinks.</param>
    /// <param name="owner">The name of the tenant or ring; null for the unnamed ring.</param>
    /// <param name="isTenant">Whether it is a tenant.</param>
    /// <param name="isVerification">Whether all requests are those of a verification.</param>
    public RingAudit(AuditSinks sinks, string? owner, bool isTenant, bool isVerification)
    {
        _sinks = sinks;
        _owner = owner;
        _isTenant = isTenant;
        _isVerification = isVerification;
    }

    /// <summary>The cause and trace of the present work, to hand on to work that callers share.</summary>
    /// <param name="cause">The cause, unless the present work has one of its own.</param>
    public static AuditOrigin Origin(ByokAuditCause cause) =>
        new(Shared.Value?.Cause ?? cause, Shared.Value?.Trace ?? Activity.Current?.TraceId);

    /// <summary>Begins work that callers share. Has an effect until the calling async method ends.</summary>
    /// <param name="caller">The activity of the first caller.</param>
    /// <param name="cause">The cause; null for that of each request.</param>
    public static void Enter(ActivityContext caller, ByokAuditCause? cause = null) =>
        Shared.Value = new AuditOrigin(cause, caller == default ? null : caller.TraceId);

    /// <inheritdoc cref="Enter(ActivityContext, ByokAuditCause?)"/>
    public static void Enter(AuditOrigin origin) => Shared.Value = origin;

    /// <summary>Puts a record's id into the user agent of a request.</summary>
    /// <param name="request">The request of the AWS SDK.</param>
    /// <param name="id">The id; null without a record.</param>
    public static T Mark<T>(T request, string? id)
        where T : AmazonWebServiceRequest
    {
        if (id is not null)
        {
            ((IAmazonWebServiceRequest)request).UserAgentDetails.AddUserAgentComponent(UserAgentName + id);
        }

        return request;
    }

    /// <summary>Sends a request, and records its end if the host has added a sink.</summary>
    /// <remarks>
    /// The record belongs to the AWS SDK's own call. If the caller stops waiting, it is written when that call ends, so it has the request
    /// id of an answer that is late.
    /// </remarks>
    /// <param name="audit">Records it; null without a sink.</param>
    /// <param name="subject">The subject of the request.</param>
    /// <param name="cause">The cause, unless the present work has one of its own.</param>
    /// <param name="send">Sends the request. Its second argument is the id for <see cref="Mark"/>; null without a sink.</param>
    /// <param name="state">The first argument of <paramref name="send"/>.</param>
    public static Task<TAnswer> SendAsync<TState, TAnswer>(
        RingAudit? audit, AuditSubject subject, ByokAuditCause cause, Func<TState, string?, Task<TAnswer>> send, TState state)
        where TAnswer : AmazonWebServiceResponse =>
        audit is null ? send(state, null) : audit.RecordAsync(subject, cause, send, state);

    /// <summary>Sends a request and records its end, before the answer is used.</summary>
    private async Task<TAnswer> RecordAsync<TState, TAnswer>(
        AuditSubject subject, ByokAuditCause cause, Func<TState, string?, Task<TAnswer>> send, TState state)
        where TAnswer : AmazonWebServiceResponse
    {
        var origin = Origin(cause);

        // Before the request, so that nothing is sent that could not be recorded.
        var sinks = await _sinks.GetAsync().ConfigureAwait(false);
        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var sent = _sinks.Time.GetUtcNow();
        TAnswer answer;
        try
        {
            answer = await send(state, id).ConfigureAwait(false);
        }
        catch (Exception e) when (WasNotSent(e))
        {
            throw;
        }
        catch (Exception e)
        {
            var error = AwsErrorIn(e);
            var requestId = AwsAnswers.Id(error?.RequestId);
            var outcome = requestId is null ? ByokAuditOutcome.NoAnswer : ByokAuditOutcome.Error;
            Record(outcome, requestId, AwsAnswers.Code(error?.ErrorCode), keyMaterialId: null);
            throw;
        }

        // An answer without a request id is not AWS's own.
        var answered = AwsAnswers.Id(answer.ResponseMetadata?.RequestId);
        Record(
            answered is null ? ByokAuditOutcome.NoAnswer : ByokAuditOutcome.Success,
            answered,
            errorCode: null,
            AwsAnswers.Id((answer as DecryptResponse)?.KeyMaterialId));
        return answer;

        void Record(ByokAuditOutcome outcome, string? requestId, string? errorCode, string? keyMaterialId) =>
            _sinks.Record(sinks, new ByokAuditRecord
            {
                Id = id,
                Time = sent,
                Operation = subject.Operation,
                Cause = _isVerification ? ByokAuditCause.Verification : origin.Cause ?? cause,
                Outcome = outcome,
                Tenant = _owner,
                IsTenant = _isTenant,
                KeyArn = subject.KeyArn.ToString(),
                RoleArn = subject.RoleArn,
                Region = subject.KeyArn.Region,
                EncryptionContextNames = subject.EncryptionContext is { Count: > 0 } context
                    ? [.. context.Keys.Order(StringComparer.Ordinal)]
                    : [],
                RequestId = requestId,
                ErrorCode = errorCode,
                KeyMaterialId = keyMaterialId,
                TraceId = origin.Trace?.ToHexString(),
            });
    }

    private static AmazonServiceException? AwsErrorIn(Exception? error)
    {
        while (error is not (null or AmazonServiceException { ErrorCode.Length: > 0 } or AmazonServiceException { RequestId.Length: > 0 }))
        {
            error = error.InnerException;
        }

        return (AmazonServiceException?)error;
    }

    /// <summary>Whether AWS cannot have received the request: there was no connection, or no identity to sign with.</summary>
    private static bool WasNotSent(Exception error)
    {
        for (var one = error; one is not null; one = one.InnerException)
        {
            if (one is HostCredentialsException or HttpRequestException
                {
                    HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                        or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
                })
            {
                return true;
            }
        }

        return false;
    }
}
