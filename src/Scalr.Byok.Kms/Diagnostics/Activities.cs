using System.Diagnostics;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>The activities of the library, except those of requests to AWS (<see cref="AwsAttempt"/>).</summary>
internal static class Activities
{
    public const string Encrypt = "Encrypt";
    public const string Decrypt = "Decrypt";
    public const string Reencrypt = "Reencrypt";
    public const string Probe = "Probe";
    public const string CreateDataKey = "CreateDataKey";
    public const string OpenDataKey = "OpenDataKey";
    public const string Verify = "Verify";

    /// <summary>Obtains a data key for all callers that wait for it.</summary>
    public const string FetchDataKey = "FetchDataKey";

    /// <summary>Confirms a key, a role or a data key.</summary>
    public const string Confirm = "Confirm";

    public static readonly ActivitySource Source = new(ByokTelemetry.ActivitySourceName, Instruments.Version);

    public static bool IsOn => Source.HasListeners();

    /// <summary>Starts an activity below that of the caller; null if there is no listener.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>
    /// Starts an activity for work that several callers share. It has no parent, and is linked to the first caller's activity.
    /// </summary>
    public static Activity? StartShared(string name, ActivityContext caller, ActivityKind kind = ActivityKind.Internal)
    {
        if (!IsOn)
        {
            return null;
        }

        Activity.Current = null;
        return Source.StartActivity(
            kind, parentContext: default, tags: null, links: caller == default ? null : [new ActivityLink(caller)], name: name);
    }

    /// <summary>The caller's activity, for <see cref="StartShared"/>.</summary>
    public static ActivityContext Caller => Activity.Current?.Context ?? default;

    /// <summary>Records the type of the error on the activity, never its text.</summary>
    public static void Fail(this Activity? activity, Exception error)
    {
        if (activity is not null)
        {
            activity.Fail(Failure.Of(error).Type);
        }
    }

    /// <summary>As <see cref="Fail(Activity?, Exception)"/>, for use as an exception filter.</summary>
    /// <returns>Always false, so the exception is not caught.</returns>
    public static bool Note(this Activity? activity, Exception error)
    {
        activity.Fail(error);
        return false;
    }

    public static void Fail(this Activity activity, string type) =>
        activity.SetTag(Instruments.ErrorAttribute, type).SetStatus(ActivityStatusCode.Error, type);
}
