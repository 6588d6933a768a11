namespace Scalr.Byok.Kms;

/// <summary>What the host's operator decides, for all customers alike. Bound by <c>AddScalrByok</c> and validated at start.</summary>
public sealed class ByokOptions
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(60);

    private TimeSpan? _confirmationInterval;

    /// <summary>The Regions a customer's key may be in. Left empty: us-east-1 and us-east-2.</summary>
    /// <remarks>
    /// The default is filled in after configuration was bound, so that a configured list replaces it instead of adding to it. In configuration, one text with commas
    /// (<c>eu-west-1,us-east-1</c>) is accepted as well. It replaces a list of any other source of configuration.
    /// </remarks>
    public IList<string> AllowedRegions { get; set; } = [];

    /// <summary>The host's own AWS identity, which calls sts:AssumeRole. Left empty: the AWS SDK's default credentials chain.</summary>
    public ByokHostIdentity HostIdentity { get; set; } = new();

    /// <summary>The host's AWS account: 12 digits. Customers' trust policies name it, and so does what "Test connection" tells them. Default <c>615271354814</c>, which is Scalr's: set your own.</summary>
    /// <remarks>Only for texts: who calls sts:AssumeRole is decided by <see cref="HostIdentity"/>.</remarks>
    public string HostAccountId { get; set; } = ByokPolicies.ScalrAccountId;

    /// <summary>
    /// Whether sessions of assumed roles carry a session policy that allows kms:Encrypt, kms:Decrypt and kms:DescribeKey on the customer's keys (replicas
    /// and previous keys included) and nothing else, whatever the role could do. Default true.
    /// </summary>
    /// <remarks>"Session policies" in the AWS IAM User Guide: a session can do what both the role's policies and its session policy allow.</remarks>
    public bool RestrictSessions { get; set; } = true;

    /// <summary>The role session name that customers see in CloudTrail. Default <c>Scalr.Byok.Kms</c>.</summary>
    /// <remarks>Characters that AWS STS does not allow become hyphens, and what is beyond 64 characters is cut.</remarks>
    public string RoleSessionName { get; set; } = "Scalr.Byok.Kms";

    /// <summary>How long a session of an assumed role lasts: 15 minutes to 12 hours, and not above the role's own maximum. Default 1 hour.</summary>
    /// <remarks>AWS allows no more than 1 hour when the host itself runs on a role (role chaining).</remarks>
    public TimeSpan SessionDuration { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Other addresses for AWS KMS and AWS STS, such as VPC endpoints. Default: AWS's own regional endpoints.</summary>
    public ByokEndpoints Endpoints { get; set; } = new();

    /// <summary>
    /// Whether another Region of a multi-Region key is used when one Region denies access. Default false: the denial is the answer, because
    /// it may be the customer's wish. An outage always leads to the next Region.
    /// </summary>
    /// <remarks>With true, an acceptance by any Region permits the use of the key, and one Region that accepts clears the denial of another.</remarks>
    public bool FailoverOnRevokedReplica { get; set; }

    /// <summary>How long plaintext data keys are kept in memory, and for how much.</summary>
    public ByokDataKeyCacheOptions DataKeyCache { get; set; } = new();

    /// <summary>
    /// The longest time for which a plaintext data key may be used without an acceptance by AWS KMS: 1 second to 1 hour, and not longer than
    /// <see cref="ByokDataKeyCacheOptions.MaxAge"/> unless that is zero. A customer's revocation is obeyed within this time. Default 60 seconds, or MaxAge if that is shorter.
    /// </summary>
    /// <remarks>
    /// <para>
    /// While AWS KMS does not answer, <see cref="ByokDataKeyCacheOptions.MaxAge"/> plus <see cref="ByokDataKeyCacheOptions.OutageGrace"/>
    /// is the limit instead. After a denial, calls fail at once; the pause before AWS is asked again grows up to this interval.
    /// </para>
    /// <para>
    /// Normal calls to AWS KMS count as acceptances. A ring that is used only from its caches costs at most one kms:Decrypt per three fifths of the interval and key.
    /// A ring without uses and without open data keys costs nothing.
    /// </para>
    /// </remarks>
    public TimeSpan ConfirmationInterval
    {
        get => _confirmationInterval ?? (DataKeyCache is { MaxAge: var maxAge } && maxAge > TimeSpan.Zero && maxAge < DefaultInterval ? Longer(maxAge, ShortestInterval) : DefaultInterval);
        set => _confirmationInterval = value;
    }

    /// <summary>
    /// The longest time for which the trust of a customer's role may go unchecked: 1 second to 1 hour. Default 5 minutes. A role whose trust policy no longer admits
    /// the host is obeyed within this time, as long as AWS STS answers. If AWS STS does not answer, the present session is used until it
    /// expires (<see cref="SessionDuration"/>).
    /// </summary>
    /// <remarks>Costs at most one sts:AssumeRole or sts:AssumeRoleWithWebIdentity per three fifths of the interval and role, and none for a ring that is not used.</remarks>
    public TimeSpan RoleCheckInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a tenant's key ring from <see cref="IByokKeyRingProvider"/> may be unused before it is disposed: 1 minute to 30 days. Default 1 hour. The next call makes
    /// another from the store's settings.
    /// </summary>
    /// <remarks>Checked once a minute. Health checks do not count as use. An open <see cref="ByokDataKey"/> keeps its tenant's ring.</remarks>
    public TimeSpan KeyRingIdleTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Time limits, retries, circuit breakers and limits of concurrency for calls to AWS.</summary>
    public ByokResilienceOptions Resilience { get; set; } = new();

    /// <summary>The number of plaintext bytes in a frame of the messages that are written: 16 to 16,777,216. Default 65,536.</summary>
    public int FrameLength { get; set; } = 65_536;

    /// <summary>The longest message, in bytes, that is written or read: 1,024 or more. Default 64 GiB.</summary>
    /// <remarks>Ends a stream that would never end. What is in memory in one piece cannot exceed 2 GiB anyway.</remarks>
    public long MaxMessageLength { get; set; } = 64L << 30;

    /// <summary>The longest header, in bytes, of a message that is written or read: 1,024 to 16,777,216. Default 131,072.</summary>
    /// <remarks>
    /// A header has the encryption context (64 KiB at most by the format, 32 KiB as this library writes it) and some 270 bytes for each
    /// encrypted data key. All of it is held before anything of it can be authenticated.
    /// </remarks>
    public int MaxHeaderLength { get; set; } = 131_072;

    /// <summary>The most encrypted data keys a message may have: 1 to 65,535. Default 10.</summary>
    /// <remarks>Each may cost a kms:Decrypt, so without a bound a hostile message could cause thousands of calls.</remarks>
    public int MaxEncryptedDataKeys { get; set; } = 10;

    /// <summary>
    /// The most bytes that one frame, or a body that is not framed, may have when a stream is decrypted: 65,536 to 1,073,741,824, and not
    /// less than <see cref="FrameLength"/>. Default 16,777,216.
    /// </summary>
    /// <remarks>
    /// A frame is held in memory until its tag is verified, one for each thread and one more. AWS's SDKs write frames of 4,096 bytes
    /// unless told otherwise. Messages in memory are there already, so this does not bound them.
    /// </remarks>
    public int MaxFrameLength { get; set; } = 16_777_216;

    /// <summary>
    /// How many threads one call may use for the cryptography of a large message (streams use 8 at most): 1 or more. Default: the
    /// processors there are.
    /// </summary>
    /// <remarks>
    /// With more than 1, a call on streams also reads and writes at the same time; with 1 it does one after the other. The bytes are the same.
    /// </remarks>
    public int MaxDegreeOfParallelism { get; set; } = Environment.ProcessorCount;

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
