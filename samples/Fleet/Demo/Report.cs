namespace Fleet.Demo;

/// <summary>A line that an instance writes for the demonstration, as JSON.</summary>
/// <param name="Kind">What has happened.</param>
/// <param name="Time">When it happened.</param>
/// <param name="Tenant">The tenant; empty for <see cref="ReportKind.Ready"/>.</param>
/// <param name="Detail">What the kind says.</param>
/// <param name="LastUse">When the key's last successful use ended; null if there was none.</param>
internal sealed record Report(ReportKind Kind, DateTimeOffset Time, string Tenant = "", string Detail = "", DateTimeOffset? LastUse = null);
