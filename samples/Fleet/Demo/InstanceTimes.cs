namespace Fleet.Demo;

/// <summary>Options of the library.</summary>
public sealed record InstanceTimes
{
    private static readonly TimeSpan LongestAge = TimeSpan.FromHours(1);

    public required TimeSpan ConfirmationInterval { get; init; }

    public required TimeSpan RoleCheckInterval { get; init; }

    public required TimeSpan MaxAge { get; init; }

    /// <summary>Shorter than the default, because the interval is short and LocalAws has one clock.</summary>
    public TimeSpan ClockTolerance { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>For what happens between a use and its report.</summary>
    public TimeSpan Slack { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long after a change a use may begin at most.</summary>
    public TimeSpan Limit => ConfirmationInterval + ClockTolerance + Slack;

    /// <summary>How long after <c>InvalidateAsync</c> a use may have the old settings at most.</summary>
    public TimeSpan SettingsLimit => ConfirmationInterval + Slack;

    /// <summary>The same if the cache fails.</summary>
    public TimeSpan SettingsLimitWithoutCache => MaxAge + Slack;

    /// <summary>The same with longer intervals.</summary>
    public InstanceTimes Slower(double factor) => this with
    {
        ConfirmationInterval = ConfirmationInterval * factor,
        RoleCheckInterval = RoleCheckInterval * factor,
        MaxAge = MaxAge * factor < LongestAge ? MaxAge * factor : LongestAge,
    };
}
