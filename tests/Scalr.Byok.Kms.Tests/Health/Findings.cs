using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>Whole findings as text, so that a test shows each word that a customer reads.</summary>
internal static class Findings
{
    public const string SingleRegion =
        "Information SingleRegionKey (Customer): The key exists in Region us-east-1 only and cannot be replicated. "
        + "Use a multi-Region key (its id begins with mrk-), even for one Region: it can be replicated later without encrypting the "
            + "data again.";

    /// <summary>A moment from which days and minutes are counted without a rest.</summary>
    public static DateTimeOffset StartFullHour(this ByokWorld world)
    {
        var now = world.Time.GetUtcNow();
        world.Time.SetUtcNow(now.AddTicks(TimeSpan.TicksPerHour - (now.UtcTicks % TimeSpan.TicksPerHour)));
        return world.Time.GetUtcNow();
    }

    /// <summary>Just these findings, in this order.</summary>
    public static void DemandFindings(this ByokKeyHealth health, params string[] findings) =>
        Assert.That(health.Findings.Select(Shown), Is.EqualTo(findings));

    public static string[] These(params string[] texts) => texts;

    public static string Shown(this ByokKeyFinding finding) =>
        $"{finding.Severity} {finding.Code} ({finding.Owner}): {finding.Message} {finding.Remedy}";

    public static string AutomaticRotationUnsupported(string origin) =>
        $"Information AutomaticRotationUnsupported (Customer): AWS KMS does not rotate the key material by itself, because it did not "
        + $"make it (origin {origin}). "
        + "Rotate the key material yourself as your rules demand, or use a key whose material AWS KMS makes, with automatic rotation on.";

    public static string ReplicaMissing(string region) =>
        $"Warning ReplicaMissing (Customer): The key has no replica in Region {region}, although the settings name that Region. "
        + $"Replicate the key to Region {region} in AWS KMS, or take the Region out of the settings.";

    public static string DescribeKeyDenied(string keyArn) =>
        "Warning DescribeKeyDenied (Customer): The host cannot see problems of the key coming: kms:DescribeKey on it is not allowed. "
        + $"Grant kms:DescribeKey on {keyArn} to the user or role; encryption and decryption do not need it.";

    public static string Outage(string message, bool isConfigured = false)
    {
        var next = isConfigured ? "If that does not help, the host's operator has to check the option Endpoints." : "No change is needed.";
        return $"Error ServiceUnavailable (Aws): {message} Wait and try again. {next}";
    }

    public static string HostAtFault(string message) =>
        $"Error HostAtFault (Host): {message} The host's operator has to correct it; the customer cannot.";
}
