using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Gets tokens from the host, and checks them before they are sent, so that a mistake of the host is not reported as the customer's.
/// </summary>
internal static class OidcTokens
{
    /// <summary>The longest WebIdentityToken that sts:AssumeRoleWithWebIdentity accepts (API reference).</summary>
    public const int MaxLength = 20_000;

    // The shortest WebIdentityToken that sts:AssumeRoleWithWebIdentity accepts (API reference).
    private const int MinLength = 4;

    /// <summary>How far this machine's clock may be ahead. A token that has expired for no longer than this is still sent.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>Gets a token for the request.</summary>
    /// <exception cref="ByokServiceException">The host's token source failed, or its token cannot be used.</exception>
    public static async Task<string> GetAsync(
        IOidcTokenProvider provider, OidcTokenRequest request, TimeProvider time, CancellationToken cancellationToken)
    {
        // A file may be written at the moment, so a later attempt may succeed. A token of the host's own code is final.
        var isFile = provider is FileOidcTokenProvider;
        var text = await AskAsync(provider.GetTokenAsync, request, cancellationToken).ConfigureAwait(false);
        var (token, content) = Checked(text, time, isFile);

        // Trust boundary: a tenant may have typed another tenant's role, so the token must be the tenant's own. The operator wrote the
        // settings of a ring of AddKeyRing.
        return request is { IsTenant: true, Subject: { } subject } && content.Subject != subject
            ? throw Failed(
                "returned a token whose sub is not the Subject of the request. If the sub is not \"account:\" and the tenant, "
                + "give AddOidcTokens a subject mapping",
                isTransient: false)
            : token;
    }

    /// <summary>Gets a token of another subject; null if the host issues none.</summary>
    /// <exception cref="ByokServiceException">The host's token source failed, or its token cannot be used.</exception>
    public static async Task<string?> GetUnrelatedSubjectAsync(
        IOidcTokenProvider provider, OidcTokenRequest request, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await AskAsync(provider.GetUnrelatedSubjectTokenAsync, request, cancellationToken).ConfigureAwait(false) is not { } text)
        {
            return null;
        }

        var (token, content) = Checked(text, time, isFile: false);

        // With the same subject, a success would not show that the role trusts other subjects.
        return request.Subject is { } subject && content.Subject == subject
            ? throw Failed("returned a token of the same subject, but one of another subject was requested", isTransient: false)
            : token;
    }

    /// <summary>The exception for a failure of the host's token source.</summary>
    /// <param name="what">The failure, as the end of a sentence.</param>
    /// <param name="isTransient">Whether a later call may succeed.</param>
    /// <param name="isFile">Whether the source is a file. Its path is not in the message, which customers may read.</param>
    public static ByokServiceException Failed(string what, bool isTransient, bool isFile = false)
    {
        var source = isFile ? "file" : "provider";
        return new(
            $"The host's OIDC token {source} {what}. Nothing was sent to AWS; the host's operator should check the {source}.", isTransient);
    }

    private static async Task<T> AskAsync<T>(
        Func<OidcTokenRequest, CancellationToken, ValueTask<T>> provider, OidcTokenRequest request, CancellationToken cancellationToken)
    {
        try
        {
            // The host's code may ignore the token.
            return await provider(request, cancellationToken).AsTask().WaitObservedAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not ByokException && !cancellationToken.IsCancellationRequested)
        {
            // Only the type's name: the provider's text may contain the token. HttpClient reports its time limit as a cancellation that no
            // caller requested.
            var transient = e is IOException or HttpRequestException or TimeoutException or OperationCanceledException;
            throw Failed($"threw {e.GetType().Name}", transient);
        }
    }

    private static (string Token, JsonWebToken Content) Checked(string? text, TimeProvider time, bool isFile)
    {
        var gave = isFile ? "has" : "returned";

        // Files usually end with a line break, which is not part of the token.
        var token = text?.Trim();
        if (token is null or { Length: < MinLength })
        {
            throw Failed($"{gave} no token", isTransient: isFile, isFile);
        }

        // Before it is parsed: the length is the host's mistake, whatever the text contains.
        if (token.Length > MaxLength)
        {
            throw Failed($"{gave} more than {MaxLength} characters, the most AWS STS takes", isTransient: false, isFile);
        }

        // Read, not verified: AWS STS verifies the signature. The claims only show mistakes before anything is sent.
        if (JsonWebToken.Read(token) is not { } content)
        {
            throw Failed($"{gave} a text that is not a complete JSON Web Token", isTransient: isFile, isFile);
        }

        return content.Expires is { } expires && expires + ClockTolerance < time.GetUtcNow()
            ? throw Failed($"{gave} a token that expired at {expires.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC", isTransient: false, isFile)
            : (token, content);
    }
}
