using System.Security.Cryptography;
using System.Text;
using LocalAws.Iam;

namespace LocalAws.Wire;

/// <summary>Finds the sender of a request by its signature. The steps are in the order of AWS's errors.</summary>
internal sealed class Authenticator
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private readonly Cloud _cloud;

    public Authenticator(Cloud cloud)
    {
        _cloud = cloud;
    }

    /// <param name="request">What arrived.</param>
    /// <param name="service">The service that it was sent to; a signature for another service does not count.</param>
    /// <param name="skew">How far the server's clock is off, by a fault.</param>
    /// <exception cref="NotAuthenticatedException">Always with a reason that each service has its own code for.</exception>
    public Caller Authenticate(WireRequest request, string service, TimeSpan skew)
    {
        if (request.Headers.Authorization.Count == 0)
        {
            throw new NotAuthenticatedException(NotAuthenticated.Unsigned, "The request carries no signature.");
        }

        var signature = request.Signature ?? throw Incomplete("The Authorization header is not a Signature Version 4.");
        var signedAt = SignatureVersion4.SignedAt(request) ?? throw Incomplete("X-Amz-Date is missing or unreadable.");
        if (!SignatureVersion4.SignsEnough(request, signature))
        {
            throw Incomplete("The host and every x-amz- header must be signed.");
        }

        var identity = _cloud.FindIdentity(signature.AccessKeyId);
        if (identity is null || !SameToken(identity.SessionToken, request.Headers["X-Amz-Security-Token"].ToString()))
        {
            // One answer for both, as with AWS: a caller must not learn whether an access key ID exists.
            throw new NotAuthenticatedException(
                NotAuthenticated.UnknownCredentials, "The security token included in the request is invalid.");
        }

        CheckScopeAndClock(signature, service, signedAt, DateTimeOffset.UtcNow + skew);
        if (!SignatureVersion4.Matches(request, signature, identity.SecretAccessKey))
        {
            throw new NotAuthenticatedException(
                NotAuthenticated.WrongSignature,
                "The request signature does not match the one computed here. Check the secret access key and the signing method.");
        }

        if (identity.ExpiresAt <= _cloud.Now)
        {
            throw new NotAuthenticatedException(NotAuthenticated.Expired, "The security token included in the request is expired");
        }

        return identity.Caller;
    }

    private static void CheckScopeAndClock(SignatureHeader signature, string service, DateTimeOffset signedAt, DateTimeOffset now)
    {
        if (signature.Service != service)
        {
            throw new NotAuthenticatedException(
                NotAuthenticated.WrongSignature, $"Credential should be scoped to correct service: '{service}'.");
        }

        if (signature.Date != $"{signedAt:yyyyMMdd}")
        {
            throw new NotAuthenticatedException(
                NotAuthenticated.WrongSignature, "The date in the credential scope is not the date of X-Amz-Date.");
        }

        // SDKs look for these two openings when they decide whether to correct their clock.
        if (signedAt < now - Tolerance)
        {
            throw new NotAuthenticatedException(
                NotAuthenticated.WrongSignature,
                $"Signature expired: {signedAt:yyyyMMddTHHmmssZ} is more than 5 minutes before {now:yyyyMMddTHHmmssZ}");
        }

        if (signedAt > now + Tolerance)
        {
            throw new NotAuthenticatedException(
                NotAuthenticated.WrongSignature,
                $"Signature not yet current: {signedAt:yyyyMMddTHHmmssZ} is more than 5 minutes after {now:yyyyMMddTHHmmssZ}");
        }
    }

    private static bool SameToken(string? expected, string presented) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected ?? string.Empty), Encoding.UTF8.GetBytes(presented));

    private static NotAuthenticatedException Incomplete(string message) => new(NotAuthenticated.Incomplete, message);
}
