using System.Diagnostics;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Every activity of the library, save those of requests to AWS (<see cref="AwsAttempt"/>).</summary>
internal static class Activities
{
    public const string Encrypt = "Encrypt";
    public const string Decrypt = "Decrypt";
    public const string Rewrap = "Rewrap";
    public const string Probe = "Probe";
    public const string CreateDataKey = "CreateDataKey";
    public const string OpenDataKey = "OpenDataKey";
    public const string Verify = "Verify";

    /// <summary>Obtains a data key for all who wait for it.</summary>
    public const string FetchDataKey = "FetchDataKey";

    /// <summary>Asks AWS whether a key may still be used.</summary>
    public const string Confirm = "Confirm";

    public static readonly ActivitySource Source = new(ByokTelemetry.ActivitySourceName, Instruments.Version);

    public static bool IsOn => Source.HasListeners();

    /// <summary>Begins an activity below that of the caller; null if nobody listens.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>Begins an activity of something that is done for more than its first caller: below nobody's, but linked to that caller's.</summary>
    public static Activity? StartShared(string name, ActivityContext caller, ActivityKind kind = ActivityKind.Internal)
    {
        if (!IsOn)
        {
            return null;
        }

        Activity.Current = null;
        return Source.StartActivity(kind, parentContext: default, tags: null, links: caller == default ? null : [new ActivityLink(caller)], name: name);
    }

    /// <summary>The caller's activity, for <see cref="StartShared"/>.</summary>
    public static ActivityContext Caller => Activity.Current?.Context ?? default;

    /// <summary>Writes down that it failed, and why, but not with what words.</summary>
    public static void Fail(this Activity? activity, Exception error)
    {
        if (activity is not null)
        {
            activity.Fail(Failure.Of(error).Type);
        }
    }

    public static void Fail(this Activity activity, string type) => activity.SetTag(Instruments.ErrorAttribute, type).SetStatus(ActivityStatusCode.Error, type);
}
