using System.Collections.Concurrent;

namespace LocalAws.Iam;

/// <summary>Everything that exists on one server: the index by which the services find accounts, credentials, roles and keys.</summary>
internal sealed class Cloud
{
    private readonly ConcurrentDictionary<string, LocalAccount> _accounts = new();
    private readonly ConcurrentDictionary<string, LocalAccessKey> _accessKeys = new();
    private readonly ConcurrentDictionary<string, Identity> _sessions = new();
    private readonly ConcurrentDictionary<string, LocalRole> _roles = new();
    private readonly ConcurrentDictionary<(string Region, string KeyId), LocalKey> _keys = new();
    private readonly ConcurrentDictionary<string, LocalKey> _aliases = new();

    public Cloud(TimeProvider time)
    {
        Time = time;
    }

    public TimeProvider Time { get; }

    public DateTimeOffset Now => Time.GetUtcNow();

    public LocalAccount Account(string id) => _accounts.GetOrAdd(id, static (id, cloud) => new LocalAccount(cloud, id), this);

    public LocalAccount? FindAccount(string id) => _accounts.GetValueOrDefault(id);

    public void Add(LocalAccessKey key) => _accessKeys[key.AccessKeyId] = key;

    public void Add(Identity session) => _sessions[session.AccessKeyId] = session;

    public bool TryAdd(LocalRole role) => _roles.TryAdd(role.Arn, role);

    /// <summary>A replica keeps its family's key id, so it may come back to a Region where an earlier one was deleted.</summary>
    public void Add(LocalKey key) => _keys[(key.Region, key.KeyId)] = key;

    public bool TryAddAlias(string aliasArn, LocalKey key) => _aliases.TryAdd(aliasArn, key);

    /// <summary>An inactive access key is as unknown as one that never was.</summary>
    public Identity? FindIdentity(string accessKeyId) =>
        _accessKeys.TryGetValue(accessKeyId, out var key) ? (key.Active ? key.Identity : null) : _sessions.GetValueOrDefault(accessKeyId);

    public LocalRole? FindRole(string arn) => _roles.GetValueOrDefault(arn);

    /// <summary>A key whose deletion date has passed is gone.</summary>
    public LocalKey? FindKey(string region, string keyId) =>
        _keys.TryGetValue((region, keyId), out var key) && !key.IsGone ? key : null;

    public LocalKey? FindAlias(string aliasArn) => _aliases.TryGetValue(aliasArn, out var key) && !key.IsGone ? key : null;

    public IEnumerable<LocalKey> Keys(string accountId, string region) =>
        _keys.Values.Where(key => key.AccountId == accountId && key.Region == region && !key.IsGone);
}
