using System.Net.Mime;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LocalAws.Wire;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace LocalAws;

/// <summary>
/// An OpenID Connect issuer on loopback with an RSA key of its own: publishes a discovery document and its key, and creates tokens.
/// Register it with <see cref="LocalAccount.CreateOidcProvider"/>; give its <see cref="Address"/> as the discovery address where
/// <see cref="Issuer"/> is another name. Disposing it makes it unreachable.
/// </summary>
public sealed class LocalIssuer : IAsyncDisposable
{
    private static readonly JsonWebTokenHandler Tokens = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly RSA _key = SigningKeys.Take();
    private readonly Lazy<RSA> _unpublishedKey = new(SigningKeys.Take);
    private readonly TimeProvider _time;
    private readonly string _keyId;
    private LoopbackHost? _host;
    private int _disposed;

    private LocalIssuer(TimeProvider time)
    {
        _time = time;
        _keyId = RandomNumberGenerator.GetHexString(16, lowercase: true);
    }

    /// <summary>The iss claim of its tokens.</summary>
    public string Issuer { get; private set; } = string.Empty;

    /// <summary>The address on loopback. /.well-known/openid-configuration is below it.</summary>
    public Uri Address => _host!.Address;

    /// <summary>Starts an issuer on a free port.</summary>
    /// <param name="issuer">The iss claim; null, the default, for its own address.</param>
    /// <param name="time">The clock for token lifetimes. Default (null): the system's.</param>
    /// <param name="cancellationToken">Ends the start only.</param>
    public static async Task<LocalIssuer> StartAsync(
        string? issuer = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        var started = new LocalIssuer(time ?? TimeProvider.System);
        started._host = await LoopbackHost.StartAsync(port: 0, started.AnswerAsync, cancellationToken);
        started.Issuer = issuer ?? started.Address.ToString().TrimEnd('/');
        return started;
    }

    /// <summary>Creates a signed token.</summary>
    /// <param name="audience">The aud claim.</param>
    /// <param name="subject">The sub claim.</param>
    /// <param name="lifetime">From now to the exp claim; null for 5 minutes, negative for a token that has expired already.</param>
    /// <param name="wrongSignature">Whether to sign with a key that the issuer does not publish, under the id of its published key.</param>
    public string CreateToken(string audience, string subject, TimeSpan? lifetime = null, bool wrongSignature = false)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        var expires = now + (lifetime ?? TimeSpan.FromMinutes(5));
        var issued = expires < now ? expires : now;
        return Tokens.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = audience,
            Claims = new Dictionary<string, object> { [JwtRegisteredClaimNames.Sub] = subject },
            IssuedAt = issued,
            NotBefore = issued,
            Expires = expires,
            SigningCredentials = new SigningCredentials(
                new RsaSecurityKey(wrongSignature ? _unpublishedKey.Value : _key)
                {
                    KeyId = _keyId,
                    CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
                },
                SecurityAlgorithms.RsaSha256),
        });
    }

    /// <summary>Stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _host!.DisposeAsync();
        SigningKeys.Return(_key);
        if (_unpublishedKey.IsValueCreated)
        {
            SigningKeys.Return(_unpublishedKey.Value);
        }
    }

    private async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        JsonObject? document = context.Request.Path.Value switch
        {
            "/.well-known/openid-configuration" => new()
            {
                ["issuer"] = Issuer,
                ["jwks_uri"] = new Uri(Address, "/jwks").ToString(),
                ["response_types_supported"] = new JsonArray("id_token"),
                ["subject_types_supported"] = new JsonArray("public"),
                ["id_token_signing_alg_values_supported"] = new JsonArray(SecurityAlgorithms.RsaSha256),
            },
            "/jwks" => new() { ["keys"] = new JsonArray(PublicKey()) },
            _ => null,
        };
        if (document is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        context.Response.ContentType = MediaTypeNames.Application.Json;
        await context.Response.WriteAsync(document.ToJsonString(), cancellationToken);
    }

    private JsonObject PublicKey()
    {
        var parameters = _key.ExportParameters(includePrivateParameters: false);
        return new JsonObject
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["alg"] = SecurityAlgorithms.RsaSha256,
            ["kid"] = _keyId,
            ["n"] = Base64UrlEncoder.Encode(parameters.Modulus),
            ["e"] = Base64UrlEncoder.Encode(parameters.Exponent),
        };
    }
}
