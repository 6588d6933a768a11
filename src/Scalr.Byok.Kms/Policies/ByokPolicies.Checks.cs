using System.Buffers;
using System.Globalization;
using System.Text;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms;

// Trust boundary: customers type these values. IAM gives some texts a special meaning that no JSON escape removes: * and ? are wildcards
// for StringLike, and ${ starts a variable everywhere. The messages quote only key ARNs and Regions, because an external ID is a secret.
public static partial class ByokPolicies
{
    /// <summary>A <c>sub</c> has at most 255 characters (OpenID Connect Core), and STS accepts no more.</summary>
    private const int MaxSubjectLength = 255;

    private const string VariableStart = "${";
    private const string ContextKeyPrefix = "kms:EncryptionContext:";
    private const int MaxContextKeyLength = 255;

    /// <summary>IAM accepts an issuer of 255 characters; <c>https://</c> is 8 of them.</summary>
    private const int MaxProviderHostLength = 247;

    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly SearchValues<char> PathCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");

    private static void DemandKey(KmsKeyArn keyArn, string parameter)
    {
        if (keyArn == default)
        {
            throw new ArgumentException("The KmsKeyArn is the default value and names no key; read one with KmsKeyArn.Parse.", parameter);
        }
    }

    /// <summary>Returns the key in a new Region, by the settings' rules for replica Regions.</summary>
    private static KmsKeyArn Replica(KmsKeyArn keyArn, string region, List<KmsKeyArn> others, string parameter)
    {
        if (!keyArn.IsMultiRegion)
        {
            throw new ArgumentException(
                $"The key {keyArn} is not a multi-Region key (its id does not start with mrk-), so it has no replicas.", parameter);
        }

        if (!AwsRegion.IsRegion(region))
        {
            throw new ArgumentException(AwsRegion.Complain(region), parameter);
        }

        if (!AwsRegion.IsRegionOf(keyArn.Partition, region))
        {
            throw new ArgumentException(
                $"The Region '{region}' is not in partition {keyArn.Partition}, where the key {keyArn} is.", parameter);
        }

        var replica = keyArn.InRegion(region);
        return !others.Contains(replica)
            ? replica
            : throw new ArgumentException($"The Region '{region}' is that of the key itself, or is named a second time.", parameter);
    }

    /// <summary>Returns the conditions on the encryption context; empty if there are no pairs and no keys.</summary>
    private static List<(string Operator, string Key, string Value)> ContextConditions(
        IReadOnlyDictionary<string, string>? pairs, string pairsParameter, IEnumerable<string>? keys, string keysParameter)
    {
        var conditions = new List<(string, string, string)>();
        var named = new HashSet<string>(StringComparer.OrdinalIgnoreCase); // IAM compares the names of condition keys in the same way
        foreach (var (key, value) in pairs ?? new Dictionary<string, string>())
        {
            DemandContextKey(key, named, pairsParameter);
            DemandContextValue(key, value, pairsParameter);
            conditions.Add(("StringEquals", ContextKeyPrefix + key, value));
        }

        foreach (var key in keys ?? [])
        {
            DemandContextKey(key, named, keysParameter);
            conditions.Add(("Null", ContextKeyPrefix + key, "false"));
        }

        return conditions;
    }

    private static void DemandContextKey(string? key, HashSet<string> named, string parameter)
    {
        if (key is not { Length: >= 1 and <= MaxContextKeyLength } || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ArgumentException(
                $"A key of the encryption context is not 1 to {MaxContextKeyLength} visible ASCII characters, so that no condition can "
                + "name it.",
                parameter);
        }

        RefuseVariables("key of the encryption context", key, parameter);
        if (!named.Add(key))
        {
            throw new ArgumentException(
                $"The key '{key}' of the encryption context is named twice; IAM does not distinguish upper and lower case there.",
                parameter);
        }
    }

    private static void DemandContextValue(string key, string? value, string parameter)
    {
        var what = $"value of '{key}' in the encryption context";
        if (string.IsNullOrEmpty(value))
        {
            throw new ArgumentException($"The {what} is empty, and IAM treats an empty value as absent.", parameter);
        }

        DemandText(what, value, parameter);
    }

    private static void DemandExternalId(string externalId, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(externalId, parameter);
        if (IamText.ComplainAboutExternalId(externalId) is { } complaint)
        {
            throw new ArgumentException($"The external ID {complaint}", parameter);
        }
    }

    private static void DemandAccountId(string accountId, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(accountId, parameter);
        if (!IamText.IsAccountId(accountId))
        {
            throw new ArgumentException("The AWS account id must be 12 digits, without hyphens.", parameter);
        }
    }

    private static void DemandPartition(string partition, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(partition, parameter);
        if (!AwsPartitions.TryParse<char>(partition, out _))
        {
            throw new ArgumentException($"The text is not a partition of AWS; expected one of {AwsPartitions.Names}.", parameter);
        }
    }

    private static void DemandAudience(string audience, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(audience, parameter);
        if (IamText.ComplainAboutAudience(audience) is { } complaint)
        {
            throw new ArgumentException($"The audience {complaint}", parameter);
        }

        RefuseVariables("audience", audience, parameter);
    }

    /// <summary>Checks a subject, or the part of one that names the account, which StringLike compares.</summary>
    /// <param name="what">The kind of the text, for messages.</param>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">The largest number of UTF-16 characters.</param>
    /// <param name="parameter">The parameter of the public method.</param>
    private static void DemandSubject(string what, string text, int maxLength, string parameter)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text, parameter);
        if (text.Length > maxLength)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"The {what} has {text.Length} characters; {maxLength} is the maximum."),
                parameter);
        }

        if (text.AsSpan().ContainsAny('*', '?'))
        {
            throw new ArgumentException(
                $"The {what} has a * or a ?, which StringLike treats as a wildcard: others would be trusted too.", parameter);
        }

        DemandText(what, text, parameter);
    }

    /// <summary>Checks that a text has no special meaning in a policy.</summary>
    private static void DemandText(string what, string text, string parameter)
    {
        RefuseVariables(what, text, parameter);
        if (text.Any(char.IsControl))
        {
            throw new ArgumentException($"The {what} has a control character.", parameter);
        }

        if (!IsWellFormed(text))
        {
            throw new ArgumentException($"The {what} contains an unpaired surrogate.", parameter);
        }
    }

    private static void DemandProviderHost(string providerHost, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(providerHost, parameter);
        if (!IsProviderHost(providerHost))
        {
            throw new ArgumentException(
                "The provider must be the issuer's URL without https://, as IAM names it: a host name in lower case such as 'scalr.io', "
                    + "perhaps with a path of letters, digits and - . _ ~, and neither a port nor anything else.",
                parameter);
        }
    }

    private static void RefuseVariables(string what, string text, string parameter)
    {
        if (text.Contains(VariableStart, StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"The {what} has a {VariableStart}, which starts a policy variable: AWS would replace it.", parameter);
        }
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out var length) != OperationStatus.Done)
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }

    private static bool IsProviderHost(string text)
    {
        if (text.Length > MaxProviderHostLength || text.Split('/') is not [var host, .. var path])
        {
            return false;
        }

        // A slash at the end is part of the name if it is part of the issuer (https://….auth0.com/).
        var segments = path is [.., ""] ? path[..^1] : path;
        return IsHost(host) && Array.TrueForAll(segments, IsSegment);
    }

    /// <summary>Whether the text is a host name in the public DNS: at least two labels, and no IP address.</summary>
    private static bool IsHost(string host) =>
        host.Length <= 253 && host.Split('.') is [_, .., var last] labels
        && Array.TrueForAll(labels, IsLabel) && char.IsAsciiLetter(last[0]);

    private static bool IsLabel(string label) =>
        label.Length is >= 1 and <= 63 && !label.AsSpan().ContainsAnyExcept(LabelCharacters) && label[0] != '-' && label[^1] != '-';

    private static bool IsSegment(string segment) =>
        segment is not ("" or "." or "..") && !segment.AsSpan().ContainsAnyExcept(PathCharacters);
}
