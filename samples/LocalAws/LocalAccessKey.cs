using LocalAws.Iam;

namespace LocalAws;

/// <summary>A user's long-lived credentials. They open nothing but the server that made them.</summary>
public sealed class LocalAccessKey
{
    private volatile bool _active = true;

    internal LocalAccessKey(Caller caller)
    {
        Identity = new Identity { AccessKeyId = Names.Id("AKIA"), SecretAccessKey = Names.Secret(), Caller = caller };
    }

    /// <summary>AKIA and 16 more characters.</summary>
    public string AccessKeyId => Identity.AccessKeyId;

    /// <summary>What requests are signed with.</summary>
    public string SecretAccessKey => Identity.SecretAccessKey;

    /// <summary>False makes the access key as unknown as a deleted one, until it is true again.</summary>
    public bool Active
    {
        get => _active;
        set => _active = value;
    }

    internal Identity Identity { get; }

    /// <summary>The access key id, never the secret.</summary>
    public override string ToString() => AccessKeyId;
}
