namespace Scalr.Byok.Kms.Credentials;

internal sealed class DelegateWebIdentityTokenProvider : IWebIdentityTokenProvider
{
    private readonly Func<string, CancellationToken, ValueTask<string>> _getToken;

    public DelegateWebIdentityTokenProvider(Func<string, CancellationToken, ValueTask<string>> getToken) => _getToken = getToken;

    public ValueTask<string> GetTokenAsync(string audience, CancellationToken cancellationToken) => _getToken(audience, cancellationToken);
}
