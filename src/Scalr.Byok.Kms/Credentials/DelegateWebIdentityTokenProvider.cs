namespace Scalr.Byok.Kms.Credentials;

internal sealed class DelegateWebIdentityTokenProvider : IWebIdentityTokenProvider
{
    private readonly Func<string, CancellationToken, ValueTask<string>> _getToken;
    private readonly Func<string, CancellationToken, ValueTask<string?>>? _getStrangerToken;

    public DelegateWebIdentityTokenProvider(
        Func<string, CancellationToken, ValueTask<string>> getToken, Func<string, CancellationToken, ValueTask<string?>>? getStrangerToken)
    {
        _getToken = getToken;
        _getStrangerToken = getStrangerToken;
    }

    public ValueTask<string> GetTokenAsync(string audience, CancellationToken cancellationToken) => _getToken(audience, cancellationToken);

    public ValueTask<string?> GetStrangerTokenAsync(string audience, CancellationToken cancellationToken) =>
        _getStrangerToken?.Invoke(audience, cancellationToken) ?? ValueTask.FromResult<string?>(null);
}
