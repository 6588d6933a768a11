using LocalAws.Iam;
using LocalAws.Wire;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace LocalAws.Sts;

/// <summary>
/// AssumeRoleWithWebIdentity: a token of a registered issuer instead of a signature. The token is verified by Microsoft.IdentityModel
/// with the keys that the issuer publishes now; nothing is cached, so that an issuer that no longer answers is noticed.
/// </summary>
internal sealed class WebIdentity
{
    private const string Action = "sts:AssumeRoleWithWebIdentity";

    private static readonly TimeSpan NotBeforeTolerance = TimeSpan.FromMinutes(5);
    private static readonly string[] PublicKeyAlgorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384,
    ];

    private static readonly JsonWebTokenHandler Tokens = new();
    private static readonly HttpDocumentRetriever Documents = new(LoopbackOnly.CreateClient()) { RequireHttps = false };

    private readonly Cloud _cloud;
    private readonly RoleSessions _sessions;

    public WebIdentity(Cloud cloud, RoleSessions sessions)
    {
        _cloud = cloud;
        _sessions = sessions;
    }

    public async Task<Answer> AssumeRoleAsync(StsRequest request, CancellationToken cancellationToken)
    {
        var parameters = request.Parameters;
        var (roleArn, sessionName, duration) = (parameters.RoleArn, parameters.SessionName, parameters.Duration);
        var sessionPolicy = RoleSessions.ParseSessionPolicy(parameters.SessionPolicy);

        var token = Read(parameters.WebIdentityToken);
        var provider = _cloud.FindAccount(roleArn.Split(':')[4])?.FindProvider(token.Issuer)
            ?? throw Invalid($"No OpenIDConnect provider found in your account for {token.Issuer}");
        await VerifyAsync(token, provider, cancellationToken);

        var facts = new Facts().Add("aws:RequestedRegion", request.Region).Add("sts:RoleSessionName", sessionName).Add(
            provider.Name + ":sub", token.Subject);
        foreach (var audience in token.Audiences)
        {
            facts.Add(provider.Name + ":aud", audience);
        }

        var role = _cloud.FindRole(roleArn);
        if (role?.Trust.Decide(
            new PolicyRequest(Action, roleArn, facts, principal => principal.TrustsProvider(provider.Arn))) != Decision.Allow)
        {
            throw RoleSessions.Denied("The bearer of the token", Action, roleArn);
        }

        return StsService.Success("AssumeRoleWithWebIdentity", [
            .. _sessions.Open(role, sessionName, duration, sessionPolicy),
            ("SubjectFromWebIdentityToken", token.Subject),
            ("Provider", provider.Arn),
            ("Audience", token.Audiences.First()),
        ]);
    }

    private static JsonWebToken Read(string text)
    {
        try
        {
            return Tokens.ReadJsonWebToken(text);
        }
        catch (Exception error) when (error is ArgumentException or SecurityTokenException)
        {
            throw Invalid("The web identity token is not a JSON Web Token.");
        }
    }

    private async Task VerifyAsync(JsonWebToken token, OidcProvider provider, CancellationToken cancellationToken)
    {
        var configuration = await FetchAsync(provider, cancellationToken);
        var result = await Tokens.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = provider.Issuer,
            ValidAudiences = provider.Audiences,
            IssuerSigningKeys = configuration.SigningKeys,
            ValidAlgorithms = PublicKeyAlgorithms,
            LifetimeValidator = CheckLifetime,
        });
        if (result.Exception is SecurityTokenExpiredException)
        {
            throw new AwsException("ExpiredTokenException", "The web identity token has expired.");
        }

        if (!result.IsValid)
        {
            throw Invalid(result.Exception switch
            {
                SecurityTokenInvalidAudienceException => "Incorrect token audience",
                SecurityTokenInvalidIssuerException => "The token's issuer is not the provider.",
                SecurityTokenNoExpirationException => "The token lacks a required claim: exp.",
                SecurityTokenNotYetValidException => "The token is not valid yet.",
                _ => "The token's signature cannot be verified.",
            });
        }

        if (string.IsNullOrEmpty(token.Subject))
        {
            throw Invalid("The token lacks a required claim: sub.");
        }
    }

    private static async Task<OpenIdConnectConfiguration> FetchAsync(OidcProvider provider, CancellationToken cancellationToken)
    {
        try
        {
            var configuration = await OpenIdConnectConfigurationRetriever.GetAsync(provider.Configuration, Documents, cancellationToken);
            return configuration.Issuer == provider.Issuer
                ? configuration
                : throw Invalid("The discovery document names another issuer.");
        }
        catch (Exception error) when (error is not AwsException && !cancellationToken.IsCancellationRequested)
        {
            throw new AwsException("IDPCommunicationError", "The discovery document or the keys of the identity provider cannot be read.");
        }
    }

    /// <summary>Checks the lifetime by the server's clock. Microsoft.IdentityModel would use the system clock.</summary>
    private bool CheckLifetime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = _cloud.Now.UtcDateTime;
        return (expires, notBefore) switch
        {
            (null, _) => throw new SecurityTokenNoExpirationException(),
            ({ } end, _) when end <= now => throw new SecurityTokenExpiredException(),
            (_, { } start) when start > now + NotBeforeTolerance => throw new SecurityTokenNotYetValidException(),
            _ => true,
        };
    }

    private static AwsException Invalid(string message) => new("InvalidIdentityToken", message);
}
