using System.Collections.Concurrent;
using LocalAws.Iam;
using LocalAws.Kms;

namespace LocalAws;

/// <summary>One AWS account: the owner of keys, users, roles and OpenID Connect providers.</summary>
public sealed class LocalAccount
{
    private readonly Cloud _cloud;
    private readonly ConcurrentDictionary<string, LocalUser> _users = new();
    private readonly ConcurrentDictionary<string, OidcProvider> _providers = new();

    internal LocalAccount(Cloud cloud, string id)
    {
        _cloud = cloud;
        Id = id;
    }

    /// <summary>The account id: 12 digits.</summary>
    public string Id { get; }

    /// <summary>
    /// Creates a key. Its state is <see cref="LocalKeyState.Enabled"/>, or PendingImport if <paramref name="origin"/> is EXTERNAL.
    /// </summary>
    /// <param name="region">The Region.</param>
    /// <param name="multiRegion">Whether it is a multi-Region key, which can have replicas.</param>
    /// <param name="keySpec">The key specification, as AWS KMS names it.</param>
    /// <param name="keyUsage">The key usage, as AWS KMS names it.</param>
    /// <param name="origin">Where the key material comes from: AWS_KMS, or EXTERNAL for imported material.</param>
    /// <exception cref="InvalidOperationException">AWS KMS has no keys with this key specification, usage and origin.</exception>
    public LocalKey CreateKey(
        string region = "us-east-1",
        bool multiRegion = false,
        string keySpec = "SYMMETRIC_DEFAULT",
        string keyUsage = "ENCRYPT_DECRYPT",
        string origin = "AWS_KMS")
    {
        ArgumentException.ThrowIfNullOrEmpty(region);
        return LocalKey.Create(_cloud, Id, region, new KeyKind(keySpec, keyUsage, origin, multiRegion));
    }

    /// <summary>Creates a user without access keys.</summary>
    /// <param name="name">Unique in the account.</param>
    /// <param name="policy">An IAM permission policy (JSON); null allows nothing.</param>
    /// <exception cref="FormatException">The policy is malformed, or uses what is not modelled.</exception>
    /// <exception cref="InvalidOperationException">The name is taken.</exception>
    public LocalUser CreateUser(string name, string? policy = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var user = new LocalUser(_cloud, Id, name) { Policy = policy };
        return _users.TryAdd(name, user) ? user : throw new InvalidOperationException($"The user {user.Arn} exists already.");
    }

    /// <summary>Creates a role that the trusted principals may assume.</summary>
    /// <param name="name">Unique in the account.</param>
    /// <param name="trustPolicy">Who may assume the role (JSON).</param>
    /// <param name="policy">What its sessions may do (JSON); null allows nothing.</param>
    /// <param name="maxSessionDuration">The longest session: 1 hour to 12 hours. Default (null): 1 hour.</param>
    /// <exception cref="FormatException">A policy is malformed, or uses what is not modelled.</exception>
    /// <exception cref="InvalidOperationException">The name is taken.</exception>
    public LocalRole CreateRole(string name, string trustPolicy, string? policy = null, TimeSpan? maxSessionDuration = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(trustPolicy);
        var role = new LocalRole(_cloud.Time, Id, name, trustPolicy)
        {
            Policy = policy,
            MaxSessionDuration = maxSessionDuration ?? TimeSpan.FromHours(1),
        };
        return _cloud.TryAdd(role) ? role : throw new InvalidOperationException($"The role {role.Arn} exists already.");
    }

    /// <summary>Registers an OpenID Connect issuer, so that roles can trust its tokens. A second call replaces the first.</summary>
    /// <param name="issuer">The issuer as in its tokens, for example https://scalr.io.</param>
    /// <param name="audiences">The audiences that AssumeRoleWithWebIdentity accepts from it.</param>
    /// <param name="discovery">
    /// The address of /.well-known/openid-configuration, on loopback, so that a local issuer can take the place of an https issuer.
    /// Without it, the issuer itself must be a loopback address.
    /// </param>
    public void CreateOidcProvider(string issuer, IEnumerable<string> audiences, Uri? discovery = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        ArgumentNullException.ThrowIfNull(audiences);
        _providers[issuer] = new OidcProvider(Id, issuer, audiences.ToArray(), discovery);
    }

    internal OidcProvider? FindProvider(string issuer) => _providers.GetValueOrDefault(issuer);
}
