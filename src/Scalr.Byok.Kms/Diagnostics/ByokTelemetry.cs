namespace Scalr.Byok.Kms;

/// <summary>The names by which a host listens to the library: <c>AddSource(ByokTelemetry.ActivitySourceName)</c>, <c>AddMeter(ByokTelemetry.MeterName)</c>.</summary>
/// <remarks>
/// Neither metrics nor activities hold a secret, an encryption context, a tenant, a key ARN or an account id. To find a customer's calls, put what identifies the
/// customer on an activity of the host's own, whose children the library's are, or look up an activity's <c>aws.request_id</c> in CloudTrail.
/// </remarks>
public static class ByokTelemetry
{
    /// <summary>The <see cref="System.Diagnostics.ActivitySource"/>: one activity for each call of a key ring and for each request to AWS.</summary>
    public const string ActivitySourceName = "Scalr.Byok.Kms";

    /// <summary>The <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string MeterName = "Scalr.Byok.Kms";
}
