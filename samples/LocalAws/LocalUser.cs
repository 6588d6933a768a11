using LocalAws.Iam;

namespace LocalAws;

/// <summary>An IAM user with one permission policy and any number of access keys.</summary>
public sealed class LocalUser
{
    private readonly Cloud _cloud;
    private volatile PolicyDocument? _permissions;
    private string? _policy;

    internal LocalUser(Cloud cloud, string accountId, string name)
    {
        _cloud = cloud;
        AccountId = accountId;
        Name = name;
        Arn = $"arn:aws:iam::{accountId}:user/{name}";
    }

    /// <summary>The ARN, for example arn:aws:iam::111122223333:user/alice.</summary>
    public string Arn { get; }

    /// <summary>The name, unique in the account.</summary>
    public string Name { get; }

    /// <summary>
    /// The permission policy (JSON); null allows nothing. A change applies from the next request on, while AWS needs seconds to minutes.
    /// </summary>
    /// <exception cref="FormatException">The policy is malformed, or uses what is not modelled.</exception>
    public string? Policy
    {
        get => _policy;
        set
        {
            _permissions = value is null ? null : PolicyDocument.ParsePermissions(value);
            _policy = value;
        }
    }

    internal string AccountId { get; }

    internal string UserId { get; } = Names.Id("AIDA");

    internal IEnumerable<PolicyDocument> Permissions => _permissions is { } permissions ? [permissions] : [];

    /// <summary>Creates an active access key.</summary>
    public LocalAccessKey CreateAccessKey()
    {
        var key = new LocalAccessKey(Caller.Of(this));
        _cloud.Add(key);
        return key;
    }
}
