using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Asks the host for a token and sees that it is one AWS STS could take, so that a mistake of the host is not blamed on the customer.</summary>
internal static class WebIdentityTokens
{
    /// <summary>The longest WebIdentityToken that sts:AssumeRoleWithWebIdentity takes (API reference).</summary>
    public const int MaxLength = 20_000;

    private const int MinLength = 4;

    public static async Task<string> GetAsync(IWebIdentityTokenProvider provider, string audience, CancellationToken cancellationToken) =>
        Checked(await AskAsync(provider.GetTokenAsync, audience, cancellationToken).ConfigureAwait(false));

    /// <summary>A token of another subject; null if the host makes none.</summary>
    public static async Task<string?> GetStrangerAsync(IWebIdentityTokenProvider provider, string audience, CancellationToken cancellationToken) =>
        await AskAsync(provider.GetStrangerTokenAsync, audience, cancellationToken).ConfigureAwait(false) is { } token ? Checked(token) : null;

    private static async Task<T> AskAsync<T>(Func<string, CancellationToken, ValueTask<T>> provider, string audience, CancellationToken cancellationToken)
    {
        try
        {
            return await provider(audience, cancellationToken).AsTask().OrAbandonAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not ByokException && !cancellationToken.IsCancellationRequested)
        {
            // The provider's own text may hold the token; only its type is told. A cancellation that nobody here asked for is how HttpClient tells its time limit.
            var transient = e is IOException or HttpRequestException or TimeoutException or OperationCanceledException;
            throw Failed($"threw {e.GetType().Name}", transient);
        }
    }

    private static string Checked(string? token) => token switch
    {
        null or { Length: < MinLength } => throw Failed("returned no token", transient: false),
        { Length: > MaxLength } => throw Failed($"returned more than {MaxLength} characters, the most AWS STS takes", transient: false),
        _ => token,
    };

    private static ByokServiceException Failed(string what, bool transient) =>
        new($"The host's web identity token provider {what}. Nothing was sent to AWS; the host's operator should look at the provider.", transient);
}
