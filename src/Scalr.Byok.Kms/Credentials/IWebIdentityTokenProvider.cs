namespace Scalr.Byok.Kms;

/// <summary>The host's OpenID Connect issuer, asked for a token each time a session of an Oidc customer begins.</summary>
/// <remarks>
/// The token's <c>sub</c> should name the customer's account (<c>account:&lt;name&gt;</c>) and its life should be short.
/// The library sends it to AWS STS over TLS and does not keep, cache or log it. Implementations are singletons and must be safe for concurrent use.
/// </remarks>
public interface IWebIdentityTokenProvider
{
    /// <summary>A fresh signed token (a JWT).</summary>
    /// <param name="audience">The value of the token's <c>aud</c>, from the customer's settings.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<string> GetTokenAsync(string audience, CancellationToken cancellationToken);

    /// <summary>
    /// A token like that of <see cref="GetTokenAsync"/>, but whose <c>sub</c> belongs to no customer; null, as by default, if the issuer makes none.
    /// </summary>
    /// <remarks>
    /// <see cref="IByokVerifier"/> tries a customer's role with it: where AWS lets that pass, the trust policy admits every customer of the host, and
    /// the verification warns. It is used for nothing else.
    /// </remarks>
    /// <param name="audience">The value of the token's <c>aud</c>, from the customer's settings.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<string?> GetStrangerTokenAsync(string audience, CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);
}
