namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>What a sequence begins with.</summary>
/// <param name="HasRole">Whether the credentials are a role; otherwise an access key.</param>
/// <param name="HasReplica">Whether the current key has a replica.</param>
/// <param name="HasPrevious">Whether the ring has a previous key.</param>
/// <param name="FailsOverOnRevoked">The option FailoverOnRevokedReplica.</param>
/// <param name="Times">Which of the sets of options holds.</param>
internal sealed record ModelSetup(bool HasRole, bool HasReplica, bool HasPrevious, bool FailsOverOnRevoked, int Times)
{
    private static readonly (int Interval, int RoleCheck, int MaxAge, int Grace)[] Sets =
    [
        (60, 300, 300, 0),
        (60, 300, 300, 600),
        (10, 30, 40, 20),
        (60, 120, 0, 0),
    ];

    /// <summary>An access key, one Region, and no cache.</summary>
    public static ModelSetup Plain => new(HasRole: false, HasReplica: false, HasPrevious: false, FailsOverOnRevoked: false, SetCount - 1);

    public static int SetCount => Sets.Length;

    public TimeSpan Interval => TimeSpan.FromSeconds(Sets[Times].Interval);

    public TimeSpan RoleCheckInterval => TimeSpan.FromSeconds(Sets[Times].RoleCheck);

    public TimeSpan MaxAge => TimeSpan.FromSeconds(Sets[Times].MaxAge);

    public TimeSpan Grace => TimeSpan.FromSeconds(Sets[Times].Grace);

    public static TimeSpan SessionDuration => TimeSpan.FromHours(1);

    public int Regions => HasReplica ? 2 : 1;

    public void Apply(ByokOptions options)
    {
        options.ConfirmationInterval = Interval;
        options.RoleCheckInterval = RoleCheckInterval;
        options.DataKeyCache.MaxAge = MaxAge;
        options.DataKeyCache.OutageGrace = Grace;
        options.FailoverOnRevokedReplica = FailsOverOnRevoked;
        options.SessionDuration = SessionDuration;
        options.Resilience.MaxRetryAttempts = 0; // the clock stands still during a call
        options.Resilience.BreakerMinimumThroughput = int.MaxValue;
        options.HostIdentity = new ByokHostIdentity { AccessKeyId = "AKIA0000000000000000", SecretAccessKey = "host" };
    }

    public ByokKeySettings Settings(bool previousIsCurrent)
    {
        var key = previousIsCurrent ? 1 : 0;
        var settings = new ByokKeySettings { KeyArn = ModelAws.KeyArn(key), Credentials = Credentials(key) };
        if (previousIsCurrent)
        {
            return settings;
        }

        if (HasReplica)
        {
            settings.ReplicaRegions = [ModelAws.Regions[1]];
        }

        if (HasPrevious)
        {
            settings.PreviousKeys = [new ByokPreviousKeySettings { KeyArn = ModelAws.KeyArn(1), Credentials = Credentials(1) }];
        }

        return settings;
    }

    private ByokCredentialSettings Credentials(int key) => HasRole
        ? ByokCredentialSettings.AssumeRole(ModelAws.RoleArn(key), "external-id")
        : ByokCredentialSettings.AccessKeys("AKIA1111111111111111", "secret");
}
