using LocalAws.Iam;
using LocalAws.Kms;
using LocalAws.Wire;

namespace LocalAws;

/// <summary>
/// One KMS key in one Region, with every state that AWS knows. AWS clients can change the state by requests, too, except for imported
/// material, custom key stores and <see cref="HoldIn"/>. A change that the state forbids throws <see cref="InvalidOperationException"/>.
/// </summary>
public sealed class LocalKey
{
    private readonly Cloud _cloud;
    private readonly KeyFamily _family;
    private bool _enabled = true;
    private bool _imported;
    private bool _storeConnected = true;
    private DateTimeOffset? _deletionAsked;
    private int _deletionDays;
    private volatile string? _held;

    private LocalKey(Cloud cloud, KeyFamily family, string accountId, string region)
    {
        _cloud = cloud;
        _family = family;
        AccountId = accountId;
        Region = region;
        KeyId = family.KeyId;
        Arn = $"arn:aws:kms:{region}:{accountId}:key/{KeyId}";
        CreatedAt = cloud.Now;
    }

    /// <summary>The full key ARN in this Region.</summary>
    public string Arn { get; }

    /// <summary>The Region, for example us-east-1.</summary>
    public string Region { get; }

    /// <summary>The key id: a UUID, or mrk- and 32 hexadecimal digits for a multi-Region key.</summary>
    public string KeyId { get; }

    /// <summary>The state, one of <see cref="LocalKeyState"/>, at the present time of <see cref="LocalAwsOptions.Time"/>.</summary>
    public string State
    {
        get
        {
            lock (_family.Gate)
            {
                return _held ?? OwnState(_cloud.Now);
            }
        }
    }

    /// <summary>When imported key material expires; null if it does not.</summary>
    public DateTimeOffset? ValidTo { get; private set; }

    internal string AccountId { get; }

    internal string Description { get; init; } = string.Empty;

    internal DateTimeOffset CreatedAt { get; }

    internal KeyFamily Family => _family;

    internal KeyKind Kind => _family.Kind;

    internal bool IsPrimary => _family.Members[0] == this;

    internal bool IsGone => DeletionDate <= _cloud.Now;

    /// <summary>When the key will be deleted; null if no deletion is scheduled, or while a primary key waits for its replicas.</summary>
    internal DateTimeOffset? DeletionDate
    {
        get
        {
            lock (_family.Gate)
            {
                return DeletionDateAt(_cloud.Now);
            }
        }
    }

    internal int? DeletionDays => _deletionAsked is null ? null : _deletionDays;

    /// <summary>Disables the key. Encrypt and Decrypt then fail with DisabledException.</summary>
    public void Disable() => Switch(() => _enabled = false);

    /// <summary>Enables the key after <see cref="Disable"/>.</summary>
    public void Enable() => Switch(() => _enabled = true);

    /// <summary>
    /// Schedules the deletion: after <paramref name="days"/>, or for a primary key, that long after the deletion of its last replica.
    /// </summary>
    public void ScheduleDeletion(int days = 30)
    {
        if (days is < 7 or > 30)
        {
            throw new AwsException("ValidationException", "The waiting period must be 7 to 30 days.");
        }

        lock (_family.Gate)
        {
            if (State is LocalKeyState.PendingDeletion
                or LocalKeyState.PendingReplicaDeletion or LocalKeyState.Creating or LocalKeyState.Updating)
            {
                throw WrongState();
            }

            _deletionAsked = _cloud.Now;
            _deletionDays = days;
        }
    }

    /// <summary>Cancels the scheduled deletion. The key is then disabled, as in AWS.</summary>
    public void CancelDeletion()
    {
        lock (_family.Gate)
        {
            if (_deletionAsked is null || IsGone)
            {
                throw new AwsException("KMSInvalidStateException", $"{Arn} is not pending deletion.");
            }

            _deletionAsked = null;
            _enabled = false;
        }
    }

    /// <summary>Creates a replica of this multi-Region primary key, with the same key id and material. It is enabled.</summary>
    public LocalKey Replicate(string region) => Replicate(region, string.Empty);

    /// <summary>Imports the material of a key of origin EXTERNAL again, or sets a new expiry.</summary>
    /// <param name="validTo">When the material expires; null: never.</param>
    public void ImportMaterial(DateTimeOffset? validTo = null) => Import(imported: true, validTo);

    /// <summary>Deletes the material of a key of origin EXTERNAL. The state is then PendingImport.</summary>
    public void DeleteImportedMaterial() => Import(imported: false, validTo: null);

    /// <summary>Disconnects the custom key store (origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE). The state is then Unavailable.</summary>
    public void DisconnectKeyStore() => Connect(connected: false);

    /// <summary>Connects the custom key store again after <see cref="DisconnectKeyStore"/>.</summary>
    public void ConnectKeyStore() => Connect(connected: true);

    /// <summary>
    /// Keeps the key in a state of <see cref="LocalKeyState"/>, for example Creating or Updating, whatever its real state, until
    /// <see cref="Release"/>.
    /// </summary>
    public void HoldIn(string state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _held = LocalKeyState.IsKnown(state) ? state : throw new ArgumentException($"'{state}' is no key state.", nameof(state));
    }

    /// <summary>Ends <see cref="HoldIn"/>: the key has its real state again.</summary>
    public void Release() => _held = null;

    /// <summary>The ARN and the state.</summary>
    public override string ToString() => $"{Arn} ({State})";

    internal static LocalKey Create(Cloud cloud, string accountId, string region, KeyKind kind, string description = "")
    {
        var family = new KeyFamily(kind);
        var key = new LocalKey(cloud, family, accountId, region) { Description = description };
        family.Add(key);
        cloud.Add(key);
        return key;
    }

    internal LocalKey Replicate(string region, string description)
    {
        ArgumentException.ThrowIfNullOrEmpty(region);
        lock (_family.Gate)
        {
            if (!Kind.MultiRegion || !IsPrimary)
            {
                throw new AwsException("UnsupportedOperationException", $"{Arn} is not a multi-Region primary key.");
            }

            DemandUsable();
            var replica = new LocalKey(_cloud, _family, AccountId, region)
            {
                Description = description,
                _imported = _imported,
                ValidTo = ValidTo,
            };
            if (_family.Members.Any(member => member.Region == region && !member.IsGone))
            {
                throw new AwsException("AlreadyExistsException", $"{Arn} has a key in {region} already.");
            }

            _family.Add(replica);
            _cloud.Add(replica);
            return replica;
        }
    }

    /// <exception cref="AwsException">The state forbids cryptography with this key, in AWS's words for that state.</exception>
    internal void DemandUsable()
    {
        switch (State)
        {
            case LocalKeyState.Enabled or LocalKeyState.Updating:
                return;
            case LocalKeyState.Disabled:
                throw new AwsException("DisabledException", $"{Arn} is disabled.");
            default:
                throw WrongState();
        }
    }

    private AwsException WrongState() => new("KMSInvalidStateException", State switch
    {
        LocalKeyState.PendingDeletion => $"{Arn} is pending deletion.",
        LocalKeyState.PendingReplicaDeletion => $"{Arn} is pending replica deletion.",
        LocalKeyState.PendingImport => $"{Arn} is pending import.",
        LocalKeyState.Unavailable => $"{Arn} is unavailable: its key store is not connected.",
        LocalKeyState.Creating => $"{Arn} is creating.",
        LocalKeyState.Updating => $"{Arn} is updating.",
        var other => $"{Arn} is {other}.",
    });

    private void Switch(Action change)
    {
        lock (_family.Gate)
        {
            if (State is not (LocalKeyState.Enabled or LocalKeyState.Disabled))
            {
                throw WrongState();
            }

            change();
        }
    }

    private void Import(bool imported, DateTimeOffset? validTo)
    {
        lock (_family.Gate)
        {
            if (!Kind.IsImported)
            {
                throw new AwsException(
                    "UnsupportedOperationException",
                    $"{Arn} has the origin {Kind.Origin}; only EXTERNAL material can be imported or deleted.");
            }

            _imported = imported;
            ValidTo = validTo;
        }
    }

    private void Connect(bool connected)
    {
        lock (_family.Gate)
        {
            _storeConnected = Kind.IsInCustomKeyStore
                ? connected
                : throw new AwsException("UnsupportedOperationException", $"{Arn} is not in a custom key store.");
        }
    }

    private string OwnState(DateTimeOffset now)
    {
        if (_deletionAsked is not null)
        {
            return DeletionDateAt(now) is null ? LocalKeyState.PendingReplicaDeletion : LocalKeyState.PendingDeletion;
        }

        if (Kind.IsImported && (!_imported || ValidTo <= now))
        {
            return LocalKeyState.PendingImport;
        }

        return !_storeConnected ? LocalKeyState.Unavailable : _enabled ? LocalKeyState.Enabled : LocalKeyState.Disabled;
    }

    private DateTimeOffset? DeletionDateAt(DateTimeOffset now)
    {
        if (_deletionAsked is not { } start)
        {
            return null;
        }

        // A primary key's waiting period begins when its last replica is gone.
        foreach (var replica in IsPrimary ? _family.Members.Skip(1) : [])
        {
            if (replica.DeletionDateAt(now) is not { } end || end > now)
            {
                return null;
            }

            start = end > start ? end : start;
        }

        return start.AddDays(_deletionDays);
    }
}
