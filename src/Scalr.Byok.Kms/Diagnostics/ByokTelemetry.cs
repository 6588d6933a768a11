namespace Scalr.Byok.Kms;

/// <summary>The names of the library's activity source and meter, for OpenTelemetry.</summary>
/// <remarks>
/// Register them with <c>AddSource(ByokTelemetry.ActivitySourceName)</c> and <c>AddMeter(ByokTelemetry.MeterName)</c>. Neither metrics nor
/// activities contain a secret, an encryption context, a tenant, a key ARN or an account id. To find a customer's calls, put an identifier
/// on an activity of the host: the library's activities are its children. Or look up the <c>aws.request_id</c> of an activity in
/// CloudTrail.
/// </remarks>
public static class ByokTelemetry
{
    /// <summary>
    /// The name of the <see cref="System.Diagnostics.ActivitySource"/>: one activity per call of a key ring and per request to AWS.
    /// </summary>
    public const string ActivitySourceName = "Scalr.Byok.Kms";

    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string MeterName = "Scalr.Byok.Kms";
}
