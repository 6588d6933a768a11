using System.Globalization;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Keys;
using static Scalr.Byok.Kms.ByokKeyFindingOwner;
using static Scalr.Byok.Kms.ByokKeyFindingSeverity;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Derives the findings about a key from the answer to kms:DescribeKey. Sends nothing to AWS.</summary>
internal static class KeyExamination
{
    /// <summary>The time before the expiry of key material from which it is a warning.</summary>
    private static readonly TimeSpan ExpiryWarning = TimeSpan.FromDays(30);

    /// <summary>How far AWS's clock may be ahead of this machine's. Without this tolerance, 7 days could be reported as 8.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>The status of the worst finding. A finding of unknown severity is at least a warning.</summary>
    public static HealthStatus StatusOf(IEnumerable<ByokKeyFinding> findings) =>
        findings.Select(finding => finding.Severity == ByokKeyFindingSeverity.Unknown ? Warning : finding.Severity)
            .DefaultIfEmpty(Information).Max() switch
        {
            Error => HealthStatus.Unhealthy,
            Warning => HealthStatus.Degraded,
            _ => HealthStatus.Healthy,
        };

    /// <summary>Parsed by name alone: Enum.Parse would also accept numbers and lists.</summary>
    public static KmsKeyState StateOf(KeyMetadata key) =>
        Array.IndexOf(Enum.GetNames<KmsKeyState>(), key.KeyState?.Value) is >= 0 and var index
            ? Enum.GetValues<KmsKeyState>()[index]
            : KmsKeyState.Unknown;

    /// <summary>Why the key cannot be used. Null if it can, and if the answer lacks the field or has an unknown value.</summary>
    public static ByokKeyUnavailableReason? ReasonOf(KeyMetadata key)
    {
        if (key.KeySpec is { } spec && spec != KeySpec.SYMMETRIC_DEFAULT)
        {
            return ByokKeyUnavailableReason.UnsupportedKeySpec;
        }

        if (key.KeyUsage is { } usage && usage != KeyUsageType.ENCRYPT_DECRYPT)
        {
            return ByokKeyUnavailableReason.UnsupportedKeyUsage;
        }

        return StateOf(key) switch
        {
            KmsKeyState.Enabled or KmsKeyState.Updating or KmsKeyState.Unknown => null,
            KmsKeyState.Disabled => ByokKeyUnavailableReason.KeyDisabled,
            KmsKeyState.PendingDeletion or KmsKeyState.PendingReplicaDeletion => ByokKeyUnavailableReason.KeyPendingDeletion,
            KmsKeyState.PendingImport => ByokKeyUnavailableReason.KeyMaterialMissing,
            KmsKeyState.Unavailable => ByokKeyUnavailableReason.KeyStoreUnavailable,
            _ => ByokKeyUnavailableReason.KeyStateInvalid,
        };
    }

    /// <summary>All findings about the ring's own key.</summary>
    /// <param name="arn">The key.</param>
    /// <param name="key">The answer to kms:DescribeKey.</param>
    /// <param name="replicaRegions">The Regions where the settings name a replica.</param>
    /// <param name="now">The current time.</param>
    public static IEnumerable<ByokKeyFinding> Examine(
        KmsKeyArn arn, KeyMetadata key, IEnumerable<string> replicaRegions, DateTimeOffset now)
    {
        if (ReasonOf(key) is { } reason)
        {
            var (happened, remedy) = Remedies.For(reason, arn, AwsAction.DescribeKey);
            yield return new ByokKeyFinding(reason.ToString(), Error, Customer, Dated(happened, key, now), remedy);
        }
        else if (StateOf(key) == KmsKeyState.Updating)
        {
            yield return new ByokKeyFinding(
                ByokKeyFindingCode.KeyUpdating, Information, Aws,
                "AWS KMS is changing the key's primary Region; the key can be used meanwhile.",
                "Nothing needs to be done.");
        }

        foreach (var finding in AboutAnswer(arn, key).Concat(AboutMaterial(key, now)).Concat(AboutRegions(arn, key, replicaRegions)))
        {
            yield return finding;
        }
    }

    /// <summary>The finding about a replica; null if it can be used.</summary>
    public static ByokKeyFinding? ExamineReplica(KmsKeyArn arn, KeyMetadata replica, DateTimeOffset now)
    {
        if (ReasonOf(replica) is not { } reason)
        {
            return AboutAnswer(arn, replica).FirstOrDefault();
        }

        var (happened, remedy) = Remedies.For(reason, arn, AwsAction.DescribeKey);
        return new ByokKeyFinding(
            ByokKeyFindingCode.ReplicaUnusable,
            Warning,
            Customer,
            $"The replica in Region {arn.Region} cannot be used. {Dated(happened, replica, now)}",
            remedy);
    }

    /// <summary>Findings about an incomplete answer. Encryption and decryption may work all the same, so they are warnings.</summary>
    private static IEnumerable<ByokKeyFinding> AboutAnswer(KmsKeyArn arn, KeyMetadata key)
    {
        string[] missing =
        [
            .. new[]
            {
                (nameof(key.Arn), key.Arn),
                (nameof(key.KeyState), key.KeyState?.Value),
                (nameof(key.KeySpec), key.KeySpec?.Value),
                (nameof(key.KeyUsage), key.KeyUsage?.Value),
            }
                .Where(field => string.IsNullOrEmpty(field.Item2)).Select(field => field.Item1),
        ];
        if (missing.Length > 0)
        {
            yield return new ByokKeyFinding(
                ByokKeyFindingCode.DescriptionIncomplete, Warning, Host,
                $"The answer to kms:DescribeKey in Region {arn.Region} lacks {string.Join(", ", missing)}.",
                "AWS KMS always sends them. If Endpoints:Kms names another server, its operator has to complete the answer.");
        }

        if (!string.IsNullOrEmpty(key.KeyState?.Value) && StateOf(key) == KmsKeyState.Unknown)
        {
            yield return new ByokKeyFinding(
                ByokKeyFindingCode.KeyStateUnknown, Warning, Host,
                "The key is in a state that this version of the library does not know.",
                "Update the library. Until then, encryption and decryption show whether the key can be used.");
        }
    }

    private static IEnumerable<ByokKeyFinding> AboutMaterial(KeyMetadata key, DateTimeOffset now)
    {
        if (key.KeyManager == KeyManagerType.AWS)
        {
            yield return new ByokKeyFinding(
                ByokKeyFindingCode.AwsManagedKey, Warning, Customer,
                "The key is an AWS managed key: its owner can neither disable nor delete it, nor change its key policy.",
                "Create a customer managed key and give its ARN.");
        }

        if (TimeOf(key.ValidTo) is { } expiry && expiry > now)
        {
            yield return new ByokKeyFinding(
                ByokKeyFindingCode.KeyMaterialExpires, expiry - now <= ExpiryWarning ? Warning : Information, Customer,
                $"The imported key material expires on {On(expiry, now)}; from then on nothing can be encrypted or decrypted.",
                "Import the same key material again before that day, with a later expiration date or none.");
        }

        if (key.Origin is { } origin && origin != OriginType.AWS_KMS)
        {
            yield return new ByokKeyFinding(
                ByokKeyFindingCode.AutomaticRotationUnsupported, Information, Customer,
                "AWS KMS does not rotate the key material by itself, because it did not make it "
                + $"(origin {AwsAnswers.Constant(origin) ?? "unknown"}).",
                "Rotate the key material yourself as your rules demand, or use a key whose material AWS KMS makes, with automatic "
                + "rotation on.");
        }
    }

    private static IEnumerable<ByokKeyFinding> AboutRegions(KmsKeyArn arn, KeyMetadata key, IEnumerable<string> replicaRegions)
    {
        if (key.MultiRegion != true)
        {
            if (key.Origin == OriginType.AWS_CLOUDHSM || key.Origin == OriginType.EXTERNAL_KEY_STORE)
            {
                yield break; // AWS KMS has no multi-Region keys in custom key stores, so nothing is recommended
            }

            yield return new ByokKeyFinding(
                ByokKeyFindingCode.SingleRegionKey, Information, Customer,
                $"The key exists in Region {arn.Region} only and cannot be replicated.",
                "Use a multi-Region key (its id begins with mrk-), even for one Region: it can be replicated later without encrypting "
                + "the data again.");
            yield break;
        }

        foreach (var region in replicaRegions.Where(region => !MayBeIn(key, region)))
        {
            yield return ReplicaMissing(region);
        }
    }

    /// <summary>The finding that a role's sessions are shorter than the host's options say.</summary>
    public static ByokKeyFinding SessionShortened(SessionShortening shortening)
    {
        var (asked, used) = (Hours(shortening.Asked), Hours(shortening.Used));
        return shortening.IsChained
            ? new ByokKeyFinding(
                ByokKeyFindingCode.SessionShortened, Warning, Host,
                $"AWS STS grants no session of {asked}, because the host itself runs on a role (role chaining). Sessions of "
                + $"{used} are used instead.",
                $"The host's operator can set SessionDuration to {used}, or give the host an identity that is no role's session. The "
                + "customer cannot change it.")
            : new ByokKeyFinding(
                ByokKeyFindingCode.SessionShortened, Warning, Customer,
                $"The role does not allow sessions of {asked}. Sessions of {used} are used instead.",
                $"The customer can raise the role's maximum session duration to {asked} in IAM, or the host's operator can set "
                + $"SessionDuration to {used}.");
    }

    public static ByokKeyFinding ReplicaMissing(string region) => new(
        ByokKeyFindingCode.ReplicaMissing, Warning, Customer,
        $"The key has no replica in Region {region}, although the settings name that Region.",
        $"Replicate the key to Region {region} in AWS KMS, or take the Region out of the settings.");

    /// <summary>Whether the answer names a Region of the key, or names no Regions at all.</summary>
    public static bool MayBeIn(KeyMetadata key, string region) =>
        key.MultiRegionConfiguration is null || PrimaryRegionOf(key) == region || ReplicaRegionsOf(key).Contains(region);

    /// <summary>The Region of the primary key; null if it is not known, or not like a Region of AWS.</summary>
    public static string? PrimaryRegionOf(KeyMetadata? key) =>
        key?.MultiRegionConfiguration?.PrimaryKey?.Region is { } region && AwsRegion.IsRegion(region) ? region : null;

    public static IEnumerable<string> ReplicaRegionsOf(KeyMetadata? key) =>
        (key?.MultiRegionConfiguration?.ReplicaKeys ?? []).Select(replica => replica.Region)
            .OfType<string>()
            .Where(region => AwsRegion.IsRegion(region));

    public static DateTimeOffset? TimeOf(DateTime? time) => time is { } moment ? new DateTimeOffset(moment.ToUniversalTime()) : null;

    private static string Hours(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.##} {(time.TotalHours == 1 ? "hour" : "hours")}");

    private static string Dated(string happened, KeyMetadata key, DateTimeOffset now) => StateOf(key) switch
    {
        KmsKeyState.PendingDeletion when TimeOf(key.DeletionDate) is { } date => $"{happened.TrimEnd('.')} on {On(date, now)}.",
        KmsKeyState.PendingReplicaDeletion when key.PendingDeletionWindowInDays is { } days =>
            $"{happened.TrimEnd('.')}, {days} days after its last replica is gone.",
        _ => happened,
    };

    private static string On(DateTimeOffset date, DateTimeOffset now)
    {
        var days = date - now < TimeSpan.FromDays(1) ? 0 : (int)Math.Ceiling((date - now - ClockTolerance).TotalDays);
        var left = days switch { 0 => "less than a day", 1 => "1 day", _ => days.ToString(CultureInfo.InvariantCulture) + " days" };
        return string.Create(CultureInfo.InvariantCulture, $"{date.UtcDateTime:yyyy-MM-dd HH:mm} UTC ({left} left)");
    }
}
