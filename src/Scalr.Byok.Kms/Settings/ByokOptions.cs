namespace Scalr.Byok.Kms;

/// <summary>The operator's options, for all customers. <c>AddScalrByok</c> binds them; they are validated at start.</summary>
/// <remarks>Read once: a change of the configuration has no effect until the host is restarted.</remarks>
public sealed class ByokOptions
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(60);

    private TimeSpan? _confirmationInterval;

    /// <summary>The Regions that a customer's key and the platform key may be in. Default (if empty): us-east-1 and us-east-2.</summary>
    /// <remarks>
    /// A configured list replaces the default, and a list from code. In configuration, one text with commas is accepted too
    /// (<c>eu-west-1,us-east-1</c>); it replaces the list of any other configuration source. An empty list, text or section in
    /// configuration is a validation error, and so is null: leave the setting out for the default.
    /// </remarks>
    public IList<string> AllowedRegions { get; set; } = [];

    /// <summary>
    /// The host's own AWS identity, which calls sts:AssumeRole and uses the platform key (<c>AddPlatformKey</c>). Default (if empty): the
    /// AWS SDK's default credentials chain.
    /// </summary>
    public ByokHostIdentity HostIdentity { get; set; } = new();

    /// <summary>The host's own AWS account: 12 digits, for example <see cref="ByokPolicies.ScalrAccountId"/>. Default: null.</summary>
    /// <remarks>
    /// <para>
    /// Required for credentials of type AssumeRole: customers' trust policies name this account, and "Test connection" tells it to
    /// customers. Without it, key settings with such credentials are invalid, and <see cref="IByokVerifier"/> throws for them. The identity
    /// that calls sts:AssumeRole is <see cref="HostIdentity"/>.
    /// </para>
    /// <para>
    /// If it is set, customers' keys and roles must not be in this account, unless <see cref="AllowHostAccount"/> is true. The platform key
    /// (<c>AddPlatformKey</c>) may be in any account.
    /// </para>
    /// </remarks>
    public string? HostAccountId { get; set; }

    /// <summary>Whether keys and roles in the host's own account, <see cref="HostAccountId"/>, are accepted. Default: false.</summary>
    /// <remarks>
    /// The host's own identity can often use keys and roles of its own account, for any tenant that names them. Set true only if the host's
    /// operator writes all key settings.
    /// </remarks>
    public bool AllowHostAccount { get; set; }

    /// <summary>Whether several tenants may use one key or one role. Default: false.</summary>
    /// <remarks>
    /// If true, <see cref="IByokTenantRegistrations"/> is not called. Then a tenant that types the key ARN, role ARN and external ID of
    /// another tenant can use the other's key.
    /// </remarks>
    public bool AllowSharedKeys { get; set; }

    /// <summary>The largest number of <see cref="ByokKeySettings.PreviousKeys"/>: 0 to 100. Default: 5.</summary>
    /// <remarks>Limits the cost of one customer: each previous key has its own state, and its own sessions if it has a role.</remarks>
    public int MaxPreviousKeys { get; set; } = 5;

    /// <summary>
    /// Whether sessions of assumed roles get a session policy that allows only kms:Encrypt, kms:Decrypt and kms:DescribeKey on the
    /// customer's keys (including replicas and previous keys). Default: true.
    /// </summary>
    /// <remarks>
    /// A session can do what both the role's policies and its session policy allow ("Session policies" in the AWS IAM User Guide).
    /// </remarks>
    public bool RestrictSessions { get; set; } = true;

    /// <summary>
    /// The role session name that customers see in CloudTrail. Default: <c>Scalr.Byok.Kms</c>. May contain <c>{tenant}</c>: the tenant of
    /// <c>AddTenantKeyRings</c>, or the name of the ring of <c>AddKeyRing</c>.
    /// </summary>
    /// <remarks>
    /// AWS STS accepts 2 to 64 letters, digits and <c>_ + = , . @ -</c>. Other characters become hyphens, and characters beyond the 64th
    /// are cut. A tenant's name that is changed in this way, or contains a comma, is followed by a comma and 16 hexadecimal digits of the
    /// SHA-256 hash of the name, so no two tenants have the same session name. For the unnamed ring, <c>{tenant}</c> is empty. At least 18
    /// characters must be left for <c>{tenant}</c>.
    /// </remarks>
    public string RoleSessionName { get; set; } = "Scalr.Byok.Kms";

    /// <summary>The duration of a session of an assumed role: 15 minutes to 12 hours. Default: 1 hour.</summary>
    /// <remarks>
    /// AWS STS does not grant more than the role's maximum session duration, nor more than 1 hour if the host itself runs on a role (role
    /// chaining; "AssumeRole" in the AWS STS API reference). Then sessions last 1 hour, and probes and verifications report
    /// <see cref="ByokKeyFindingCode.SessionShortened"/>. The longer duration is tried again once per hour, which costs one more request to
    /// AWS STS.
    /// </remarks>
    public TimeSpan SessionDuration { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Addresses that replace AWS's own for AWS KMS and AWS STS, such as VPC endpoints. Default: AWS's regional endpoints.
    /// </summary>
    public ByokEndpoints Endpoints { get; set; } = new();

    /// <summary>
    /// Whether to use another Region of a multi-Region key when one Region denies access. Default: false, because the denial may be the
    /// customer's intention. In an outage, the next Region is always used.
    /// </summary>
    /// <remarks>If true, an acceptance by any Region permits the use of the key, and clears the denial of another Region.</remarks>
    public bool FailoverOnRevokedReplica { get; set; }

    /// <summary>The limits on cached plaintext data keys.</summary>
    public ByokDataKeyCacheOptions DataKeyCache { get; set; } = new();

    /// <summary>
    /// The longest time for which a plaintext data key may be used without an acceptance by AWS KMS: 1 second to 1 hour. Default: 60
    /// seconds, or <see cref="ByokDataKeyCacheOptions.MaxAge"/> if that is shorter. A customer's revocation takes effect within this time.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Must not be longer than <see cref="ByokDataKeyCacheOptions.MaxAge"/>, unless that is zero. In an outage of AWS KMS the limit is
    /// MaxAge plus <see cref="ByokDataKeyCacheOptions.OutageGrace"/> instead. After a denial, calls fail at once, and AWS is asked again
    /// after a pause that doubles up to this interval.
    /// </para>
    /// <para>
    /// Normal calls to AWS KMS count as acceptances. A ring that uses only its cache costs at most one kms:Decrypt per three fifths of this
    /// interval and key, and one more after a start or an outage. A ring without calls and without open data keys costs nothing.
    /// </para>
    /// </remarks>
    public TimeSpan ConfirmationInterval
    {
        get =>
            _confirmationInterval ?? (DataKeyCache is { MaxAge: var maxAge } && maxAge > TimeSpan.Zero && maxAge < DefaultInterval
                ? Longer(maxAge, ShortestInterval)
                : DefaultInterval);
        set => _confirmationInterval = value;
    }

    /// <summary>
    /// The longest time for which the trust of a customer's role may go unchecked: 1 second to 1 hour. Default: 5 minutes. If a role's
    /// trust policy no longer allows the host, the role's use ends within this time. In an outage of AWS STS it ends when the session
    /// expires (<see cref="SessionDuration"/>).
    /// </summary>
    /// <remarks>
    /// Costs at most one sts:AssumeRole or sts:AssumeRoleWithWebIdentity per three fifths of this interval and role; nothing for a ring
    /// without calls.
    /// </remarks>
    public TimeSpan RoleCheckInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The idle time after which a tenant's key ring of <see cref="IByokKeyRingProvider"/> is disposed: 1 minute to 30 days. Default: 1
    /// hour. The next call creates the ring again from the store's settings.
    /// </summary>
    /// <remarks>
    /// Checked once per minute. Health checks do not count as use. An open <see cref="ByokDataKey"/> keeps its tenant's ring.
    /// </remarks>
    public TimeSpan KeyRingIdleTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The time limits, retries, circuit breakers and concurrency limits of calls to AWS.</summary>
    public ByokResilienceOptions Resilience { get; set; } = new();

    /// <summary>When key events are reported. Without effect unless an observer is added (<see cref="IByokKeyObserver"/>).</summary>
    public ByokKeyEventOptions KeyEvents { get; set; } = new();

    /// <summary>The number of plaintext bytes per frame of written messages: 16 to 16,777,216. Default: 65,536.</summary>
    public int FrameLength { get; set; } = 65_536;

    /// <summary>The longest message to write or read, in bytes: 1,024 or more. Default: 64 GiB.</summary>
    /// <remarks>Ends a stream that would never end. A message in memory is limited to 2 GiB by .NET.</remarks>
    public long MaxMessageLength { get; set; } = 64L << 30;

    /// <summary>The longest header of a message to write or read, in bytes: 1,024 to 16,777,216. Default: 131,072.</summary>
    /// <remarks>
    /// A header contains the encryption context (at most 64 KiB by the format, 32 KiB as this library writes it) and about 270 bytes per
    /// encrypted data key. It is held in memory before it can be authenticated.
    /// </remarks>
    public int MaxHeaderLength { get; set; } = 131_072;

    /// <summary>The largest number of encrypted data keys of a message: 1 to 65,535. Default: 10.</summary>
    /// <remarks>Each can cost one kms:Decrypt. Without a limit, a hostile message could cause thousands of calls.</remarks>
    public int MaxEncryptedDataKeys { get; set; } = 10;

    /// <summary>
    /// The largest number of bytes of one frame, or of an unframed body, when a stream is decrypted: 65,536 to 1,073,741,824, and at least
    /// <see cref="FrameLength"/>. Default: 16,777,216.
    /// </summary>
    /// <remarks>
    /// A frame is held in memory until its tag is verified: one per thread and one more. AWS's SDKs write frames of 4,096 bytes by default.
    /// Does not limit messages in memory.
    /// </remarks>
    public int MaxFrameLength { get; set; } = 16_777_216;

    /// <summary>
    /// The number of threads that one call may use for the cryptography of a large message (at most 8 for streams): 1 or more. Default: the
    /// number of processors.
    /// </summary>
    /// <remarks>
    /// With more than 1, a call on streams also reads and writes at the same time. The number does not change the bytes of a message.
    /// </remarks>
    public int MaxDegreeOfParallelism { get; set; } = Environment.ProcessorCount;

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
