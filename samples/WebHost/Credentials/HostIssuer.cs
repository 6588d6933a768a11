using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Scalr.Byok.Kms;

namespace WebHost.Credentials;

/// <summary>
/// The host's OpenID Connect issuer: signs tokens for AWS STS, and publishes its public key. The private key is a file, encrypted by data
/// protection, which all instances share.
/// </summary>
public sealed class HostIssuer : IOidcTokenProvider, IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private readonly JsonWebTokenHandler _tokens = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly RSA _key;
    private readonly RsaSecurityKey _signingKey;
    private readonly TimeProvider _time;

    /// <summary>Reads the key, or makes one.</summary>
    public HostIssuer(HostSettings settings, IDataProtectionProvider protection, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(protection);
        _time = time;
        Issuer = settings.Issuer;
        _key = ReadKey(Path.Combine(settings.DataDirectory, "issuer-key"), protection.CreateProtector("webhost", "issuer"));
        var id = Base64UrlEncoder.Encode(SHA256.HashData(_key.ExportRSAPublicKey()))[..16];

        // The cache belongs to the process. A host that is started again in it, with the same key, would get what the first one disposed.
        _signingKey = new RsaSecurityKey(_key)
        {
            KeyId = id,
            CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
        };
    }

    /// <summary>The <c>iss</c> of the tokens, and the URL of the identity provider that customers register.</summary>
    public Uri Issuer { get; }

    /// <summary>The issuer without its scheme, as trust policies name it.</summary>
    public string ProviderHost => Issuer.Authority + Issuer.AbsolutePath.TrimEnd('/');

    /// <inheritdoc/>
    public ValueTask<string> GetTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(Sign(request.Audience, request.Subject!));
    }

    /// <inheritdoc/>
    public ValueTask<string?> GetUnrelatedSubjectTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(Sign(request.Audience, "no-customer:" + RandomNumberGenerator.GetHexString(16)));
    }

    /// <summary>The public key, as AWS STS reads it.</summary>
    public object PublicKeys
    {
        get
        {
            var parameters = _key.ExportParameters(includePrivateParameters: false);
            var (n, e) = (Base64UrlEncoder.Encode(parameters.Modulus), Base64UrlEncoder.Encode(parameters.Exponent));
            return new { keys = new[] { new { kty = "RSA", use = "sig", alg = "RS256", kid = _signingKey.KeyId, n, e } } };
        }
    }

    /// <summary>Adds the two addresses that AWS STS reads.</summary>
    public static void Map(WebApplication app)
    {
        app.MapGet("/.well-known/openid-configuration", (HttpRequest request, HostIssuer issuer) => new
        {
            issuer = issuer.Issuer.ToString().TrimEnd('/'),
            jwks_uri = $"{request.Scheme}://{request.Host}/.well-known/jwks",
            response_types_supported = (string[])["id_token"],
            subject_types_supported = (string[])["public"],
            id_token_signing_alg_values_supported = (string[])["RS256"],
        }).AllowAnonymous();
        app.MapGet("/.well-known/jwks", (HostIssuer issuer) => issuer.PublicKeys).AllowAnonymous();
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private string Sign(string audience, string subject)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        return _tokens.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer.ToString().TrimEnd('/'),
            Audience = audience,
            Claims = new Dictionary<string, object> { [JwtRegisteredClaimNames.Sub] = subject },
            IssuedAt = now,
            NotBefore = now,
            Expires = now + Lifetime,
            SigningCredentials = new SigningCredentials(_signingKey, SecurityAlgorithms.RsaSha256),
        });
    }

    /// <summary>The first instance makes the key. The file appears complete, so every instance reads all of it.</summary>
    private static RSA ReadKey(string path, IDataProtector protector)
    {
        var key = RSA.Create(2048);
        if (!File.Exists(path))
        {
            var own = $"{path}-{Guid.NewGuid():N}";
            File.WriteAllBytes(own, protector.Protect(key.ExportRSAPrivateKey()));
            try
            {
                File.Move(own, path);
                return key;
            }
            catch (IOException) when (File.Exists(path))
            {
                File.Delete(own); // another instance was faster
            }
        }

        key.ImportRSAPrivateKey(protector.Unprotect(File.ReadAllBytes(path)), out _);
        return key;
    }
}
