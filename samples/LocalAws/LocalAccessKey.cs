using LocalAws.Iam;

namespace LocalAws;

/// <summary>A user's long-lived credentials. They are valid on the server that created them only.</summary>
public sealed class LocalAccessKey
{
    private volatile bool _active = true;

    internal LocalAccessKey(Caller caller)
    {
        Identity = new Identity { AccessKeyId = Names.Id("AKIA"), SecretAccessKey = Names.Secret(), Caller = caller };
    }

    /// <summary>The access key ID: AKIA and 16 more characters.</summary>
    public string AccessKeyId => Identity.AccessKeyId;

    /// <summary>The secret access key, which signs requests.</summary>
    public string SecretAccessKey => Identity.SecretAccessKey;

    /// <summary>Whether the access key is active. The server rejects an inactive one like a deleted one. Default: true.</summary>
    public bool Active
    {
        get => _active;
        set => _active = value;
    }

    internal Identity Identity { get; }

    /// <summary>The access key ID, without the secret.</summary>
    public override string ToString() => AccessKeyId;
}
