using System.Collections.Concurrent;
using LocalAws;
using WebHost.Credentials;

namespace WebHost.Demo;

/// <summary>What an administrator of a customer does in AWS, in LocalAws.</summary>
/// <param name="account">The customer's AWS account.</param>
/// <param name="issuer">The host's issuer.</param>
public sealed class CustomerConsole(LocalAccount account, HostIssuer issuer)
{
    private const string NoPermission =
        """{ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*" } }""";

    private const string NoTrust = """
        { "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" } }
        """;

    private readonly ConcurrentDictionary<LocalUser, string?> _users = new();
    private readonly ConcurrentDictionary<LocalRole, string?> _roles = new();
    private readonly ConcurrentQueue<LocalKey> _keys = new();
    private int _number;

    /// <summary>The keys, the oldest first.</summary>
    public IEnumerable<LocalKey> Keys => _keys;

    /// <summary>The users.</summary>
    public IEnumerable<LocalUser> Users => _users.Keys.OrderBy(user => user.Name, StringComparer.Ordinal);

    /// <summary>The roles.</summary>
    public IEnumerable<LocalRole> Roles => _roles.Keys.OrderBy(role => role.Name, StringComparer.Ordinal);

    /// <summary>Creates a multi-Region key.</summary>
    public void CreateKey() => _keys.Enqueue(account.CreateKey("us-east-1", multiRegion: true));

    /// <summary>Creates a user with a policy and an access key.</summary>
    /// <exception cref="FormatException">The policy is malformed.</exception>
    public LocalAccessKey CreateUser(string policy)
    {
        var user = account.CreateUser($"byok-{Interlocked.Increment(ref _number)}", policy);
        _users[user] = null;
        return user.CreateAccessKey();
    }

    /// <summary>Creates a role.</summary>
    /// <exception cref="FormatException">A policy is malformed.</exception>
    public LocalRole CreateRole(string trust, string policy)
    {
        var role = account.CreateRole($"byok-{Interlocked.Increment(ref _number)}", trust, policy);
        _roles[role] = null;
        return role;
    }

    /// <summary>Registers an identity provider. LocalAws reads the issuer's keys at the address of this host.</summary>
    public void AddProvider(string url, string audience, Uri discovery) => account.CreateOidcProvider(url, [audience], discovery);

    /// <summary>The URL of the host's issuer.</summary>
    public string IssuerUrl => issuer.Issuer.ToString().TrimEnd('/');

    /// <summary>Enables a key that is disabled, disables one that is enabled, and cancels a deletion.</summary>
    public void SwitchKey(string arn)
    {
        var key = KeyOf(arn);
        switch (key.State)
        {
            case LocalKeyState.Enabled:
                key.Disable();
                break;
            case LocalKeyState.Disabled:
                key.Enable();
                break;
            default:
                key.CancelDeletion();
                break;
        }
    }

    /// <summary>Schedules the deletion of a key.</summary>
    public void DeleteKey(string arn) => KeyOf(arn).ScheduleDeletion(7);

    /// <summary>Denies kms:Decrypt to a user or role, or gives its policy back.</summary>
    public void SwitchPermission(string arn)
    {
        if (Users.FirstOrDefault(one => one.Arn == arn) is { } user)
        {
            (user.Policy, _users[user]) = _users[user] is { } policy ? (policy, null) : (NoPermission, user.Policy);
        }
        else
        {
            var role = RoleOf(arn);
            _permissions.TryGetValue(role, out var policy);
            (role.Policy, _permissions[role]) = policy is not null ? (policy, null) : (NoPermission, role.Policy);
        }
    }

    private readonly ConcurrentDictionary<LocalRole, string?> _permissions = new();

    /// <summary>Removes the trust of a role, or gives it back.</summary>
    public void SwitchTrust(string arn)
    {
        var role = RoleOf(arn);
        (role.TrustPolicy, _roles[role]) = _roles[role] is { } trust ? (trust, null) : (NoTrust, role.TrustPolicy);
    }

    /// <summary>Replaces the external ID in the trust policy of a role.</summary>
    public void ChangeExternalId(string arn, string from, string to)
    {
        var role = RoleOf(arn);
        role.TrustPolicy = role.TrustPolicy.Replace(from, to, StringComparison.Ordinal);
    }

    /// <summary>Whether a role's trust was removed.</summary>
    public bool IsTrustRemoved(LocalRole role) => _roles.GetValueOrDefault(role) is not null;

    /// <summary>Whether a permission was removed.</summary>
    public bool IsPermissionRemoved(string arn) =>
        Users.Any(one => one.Arn == arn && _users[one] is not null)
        || Roles.Any(one => one.Arn == arn && _permissions.GetValueOrDefault(one) is not null);

    private LocalKey KeyOf(string arn) => _keys.FirstOrDefault(one => one.Arn == arn) ?? throw Unknown(arn);

    private LocalRole RoleOf(string arn) => Roles.FirstOrDefault(one => one.Arn == arn) ?? throw Unknown(arn);

    private static KeyNotFoundException Unknown(string arn) => new($"The console has no {arn}.");
}
