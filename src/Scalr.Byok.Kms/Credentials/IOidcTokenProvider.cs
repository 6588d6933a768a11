namespace Scalr.Byok.Kms;

/// <summary>The host's OpenID Connect issuer. Called for a token each time a session of a customer with Oidc credentials starts.</summary>
/// <remarks>
/// Issue tokens with a short lifetime. The library sends a token to AWS STS over TLS and does not keep, cache or log it. Implementations
/// are singletons and must be safe for concurrent use. An exception, an expired token and a text that is no JSON Web Token are failures of
/// the host, not of the customer: calls throw <see cref="ByokServiceException"/>, and nothing is sent to AWS.
/// </remarks>
public interface IOidcTokenProvider
{
    /// <summary>Returns a new signed token (a JWT).</summary>
    /// <param name="request">
    /// The tenant and the purpose. The token's <c>sub</c> must be <see cref="OidcTokenRequest.Subject"/>, unless that is null. Its
    /// <c>aud</c> must be <see cref="OidcTokenRequest.Audience"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<string> GetTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Returns a token like that of <see cref="GetTokenAsync"/> whose <c>sub</c> belongs to no customer; null, the default, if the issuer
    /// cannot.
    /// </summary>
    /// <remarks>
    /// <see cref="IByokVerifier"/> tries a customer's role with it. If AWS STS accepts the token, the role's trust policy accepts every
    /// customer of the host, and the verification warns. The token has no other use.
    /// </remarks>
    /// <param name="request">The request of the customer, whose subject the token must not have.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<string?> GetUnrelatedSubjectTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken) =>
        ValueTask.FromResult<string?>(null);
}
