using System.Net;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <content>What AWS refuses, and how.</content>
internal sealed partial class ModelAws
{
    /// <summary>Refuses what the state of things refuses, in the order of AWS: identity, permission, key.</summary>
    private void Admit(string action, int key, int region, Caller caller, string? context)
    {
        var state = Kms[key, region];
        var denied = action switch
        {
            "Encrypt" => state is KmsState.DeniesEncrypt or KmsState.DeniesBoth,
            "Decrypt" => state is KmsState.DeniesDecrypt or KmsState.DeniesBoth,
            _ => false,
        };
        if (state is KmsState.Outage)
        {
            throw Fail(action, key, region, ModelAnswer.Outage, "KMSInternalException", HttpStatusCode.InternalServerError);
        }

        if (state is KmsState.Throttles)
        {
            throw Fail(action, key, region, ModelAnswer.Throttled, "ThrottlingException");
        }

        if (caller.Session is { } number ? _clock.AwsNow >= _sessions[number - 1].Expires : !AccessKeyIsActive)
        {
            var isSession = caller.Session is not null;
            throw isSession
                ? Fail(action, key, region, ModelAnswer.Rejected, "ExpiredTokenException")
                : Fail(action, key, region, ModelAnswer.KeyDenied, "UnrecognizedClientException");
        }

        if (caller.Session <= RevokedSessions || denied || (context is not null && DeniedContexts[key].Contains(context)))
        {
            throw Fail(action, key, region, ModelAnswer.AccessDenied, "AccessDeniedException");
        }

        if (state is KmsState.Disabled && action != "DescribeKey")
        {
            throw Fail(action, key, region, ModelAnswer.KeyDenied, nameof(DisabledException));
        }
    }

    private AmazonKeyManagementServiceException Fail(
        string action, int key, int region, ModelAnswer answer, string code, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        Write(action, key, region, answer);
        return new AmazonKeyManagementServiceException("The model's answer.", ErrorType.Unknown, code, $"request-{Log.Count}", status);
    }

    private AmazonSecurityTokenServiceException FailSts(int key, int region, ModelAnswer answer, string code, HttpStatusCode status)
    {
        Write("AssumeRole", key, region, answer);
        return new AmazonSecurityTokenServiceException("The model's answer.", ErrorType.Unknown, code, $"request-{Log.Count}", status);
    }
}
