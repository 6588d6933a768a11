namespace Scalr.Byok.Kms.Credentials;

internal sealed class DelegateOidcTokenProvider : IOidcTokenProvider
{
    private readonly Func<OidcTokenRequest, CancellationToken, ValueTask<string>> _getToken;
    private readonly Func<OidcTokenRequest, CancellationToken, ValueTask<string?>>? _getUnrelatedSubjectToken;

    public DelegateOidcTokenProvider(
        Func<OidcTokenRequest, CancellationToken, ValueTask<string>> getToken,
        Func<OidcTokenRequest, CancellationToken, ValueTask<string?>>? getUnrelatedSubjectToken)
    {
        _getToken = getToken;
        _getUnrelatedSubjectToken = getUnrelatedSubjectToken;
    }

    public ValueTask<string> GetTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken) =>
        _getToken(request, cancellationToken);

    public ValueTask<string?> GetUnrelatedSubjectTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken) =>
        _getUnrelatedSubjectToken?.Invoke(request, cancellationToken) ?? ValueTask.FromResult<string?>(null);
}
