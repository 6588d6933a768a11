using System.Security.Cryptography;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms;

/// <summary>The IAM policies that a customer needs, as JSON to show beside the settings form or to create with infrastructure as code.</summary>
/// <remarks>
/// <para>
/// <see cref="KeyPermissions"/> goes to the user or the role, a trust policy to the role alone: <see cref="AssumeRoleTrust"/> for credentials of type
/// AssumeRole, <see cref="WebIdentityTrust"/> for Oidc. They are made from text alone: that the key, the account or the identity provider exists is not
/// checked, and no call is made.
/// </para>
/// <para>
/// <b>The defaults are those of Scalr.</b> Another host must give its own AWS account id and its own issuer; with the defaults its customers would
/// trust Scalr and not it.
/// </para>
/// <para>
/// Every value means itself: what would widen a policy beyond it, a wildcard in a name or a
/// <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html">policy variable</see>, is refused.
/// The text is JSON, indented, with <c>\n</c> between its lines everywhere. It is not made safe for HTML: a page that shows it has to encode it.
/// Characters above U+00FF, which IAM takes in no policy, are written as <c>\u</c> escapes of the same meaning.
/// </para>
/// </remarks>
public static partial class ByokPolicies
{
    /// <summary>The AWS account of Scalr, which assumes the roles of Scalr's customers.</summary>
    public const string ScalrAccountId = "615271354814";

    /// <summary>The OpenID Connect issuer of Scalr, as IAM names the provider: its URL without <c>https://</c>.</summary>
    public const string ScalrProviderHost = "scalr.io";

    private const string DefaultPartition = "aws";
    private const string SubjectPrefix = "account:";
    private const string ExternalIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int ExternalIdLength = 32;

    /// <summary>The permission policy of the user or role: kms:Encrypt, kms:Decrypt and kms:DescribeKey on this key, and nothing else.</summary>
    /// <param name="keyArn">The key.</param>
    /// <param name="replicaRegions">
    /// Regions that hold a replica of the multi-Region key, which is allowed, too; as <see cref="ByokKeySettings.ReplicaRegions"/>. Default: none.
    /// </param>
    /// <param name="describeKey">
    /// Whether kms:DescribeKey is allowed, too. It is recommended: it lets the host see a disabled or deleted key before calls fail. Default: true.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the encryption context of each request must have, as conditions on <c>kms:EncryptionContext:</c> and the key; further pairs are allowed.
    /// A tenant's requests have <c>scalr:tenant</c>. Default: none.
    /// </param>
    /// <param name="requiredContextKeys">Keys that the encryption context of each request must have, with any value. Default: none.</param>
    /// <returns>
    /// The policy: a whole document of one statement. With conditions, kms:DescribeKey has a statement of its own without them, because its requests have
    /// no encryption context.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="keyArn"/> is the default value; or a replica Region is no Region of the key's partition, is the key's own, is named twice, or is
    /// given for a single-Region key; or a key of the encryption context is not 1 to 255 visible ASCII characters, or is named twice, in any case of
    /// letters; or a value is empty, has a control character, half a surrogate pair or a <c>${</c>. The message names the key and does not quote the value.
    /// </exception>
    public static string KeyPermissions(
        KmsKeyArn keyArn,
        IEnumerable<string>? replicaRegions = null,
        bool describeKey = true,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        IEnumerable<string>? requiredContextKeys = null)
    {
        DemandKey(keyArn, nameof(keyArn));
        var keyArns = new List<KmsKeyArn> { keyArn };
        foreach (var region in replicaRegions ?? [])
        {
            keyArns.Add(Replica(keyArn, region, keyArns, nameof(replicaRegions)));
        }

        var conditions = ContextConditions(encryptionContext, nameof(encryptionContext), requiredContextKeys, nameof(requiredContextKeys));
        return WritePermissions(keyArns, describeKey, indented: true, conditions);
    }

    /// <summary>The trust policy of a role that the host assumes from its own AWS account, with the external ID.</summary>
    /// <remarks>
    /// The external ID keeps the host from being a
    /// <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html">confused deputy</see>: without it, another customer of
    /// the host who guesses the role's ARN could have the host use the role. So each customer has an external ID of their own; see <see cref="NewExternalId"/>.
    /// </remarks>
    /// <param name="externalId">The external ID: 2 to 1224 of the letters, the digits and <c>_ + = , . @ : / -</c>. It stands in the policy in clear.</param>
    /// <param name="hostAccountId">The AWS account of the host: 12 digits. Default: Scalr's; another host gives its own.</param>
    /// <param name="partition">
    /// The partition of both accounts, such as <c>aws</c>, the default, or <c>aws-us-gov</c>: roles are never assumed from another partition.
    /// </param>
    /// <returns>The policy: a whole document of one statement.</returns>
    /// <exception cref="ArgumentException">A value is missing or malformed; the message says which and how, and does not quote it.</exception>
    public static string AssumeRoleTrust(string externalId, string hostAccountId = ScalrAccountId, string partition = DefaultPartition)
    {
        DemandExternalId(externalId, nameof(externalId));
        DemandAccountId(hostAccountId, nameof(hostAccountId));
        DemandPartition(partition, nameof(partition));
        return WriteTrust(
            ("AWS", $"arn:{partition}:iam::{hostAccountId}:root"), AwsAction.AssumeRole, ("StringEquals", "sts:ExternalId", externalId));
    }

    /// <summary>The trust policy of a role that is assumed with a token of the host's OpenID Connect issuer.</summary>
    /// <remarks>
    /// Before it works, the customer registers the issuer in IAM as an identity provider, with the audience as a client ID. The token's <c>sub</c> is
    /// compared by <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html">StringLike</see>,
    /// as in Scalr's guide; since wildcards are refused, it admits <c>account:</c> and this very name, in this case of letters.
    /// </remarks>
    /// <param name="awsAccountId">The customer's AWS account, where the identity provider is registered: 12 digits.</param>
    /// <param name="audience">The audience (<c>aud</c>) of the tokens: 1 to 255 visible ASCII characters.</param>
    /// <param name="accountName">
    /// The customer's account at the host, which the host's tokens name as their subject (<c>sub</c>) behind <c>account:</c>: at most 247 characters.
    /// </param>
    /// <param name="providerHost">
    /// The host's issuer as IAM names it: its URL without <c>https://</c>, a host name in lower case, perhaps with a path. Default: Scalr's; another
    /// host gives its own.
    /// </param>
    /// <param name="partition">The partition of the customer's account, such as <c>aws</c>, the default, or <c>aws-us-gov</c>.</param>
    /// <returns>The policy: a whole document of one statement.</returns>
    /// <exception cref="ArgumentException">
    /// A value is missing or malformed; the account name has a <c>*</c> or <c>?</c>, a control character or half a surrogate pair, or it or the
    /// audience has a <c>${</c>. The message says which and why.
    /// </exception>
    public static string WebIdentityTrust(
        string awsAccountId, string audience, string accountName, string providerHost = ScalrProviderHost, string partition = DefaultPartition)
    {
        DemandAccountId(awsAccountId, nameof(awsAccountId));
        DemandAudience(audience, nameof(audience));
        DemandSubject("account name", accountName, MaxSubjectLength - SubjectPrefix.Length, nameof(accountName));
        return WebIdentityTrustForSubject(awsAccountId, audience, SubjectPrefix + accountName, providerHost, partition);
    }

    /// <summary>
    /// A new external ID for <see cref="AssumeRoleTrust"/>: 32 random letters and digits (190 bits), which nobody guesses. The host makes one for
    /// each customer and shows it, rather than letting customers choose: one who chose another's could have the host use the other's role.
    /// </summary>
    /// <returns>The external ID.</returns>
    public static string NewExternalId() => RandomNumberGenerator.GetString(ExternalIdAlphabet, ExternalIdLength);

    /// <summary>As <see cref="WebIdentityTrust"/>, for a whole subject in whichever form the host's tokens have it.</summary>
    internal static string WebIdentityTrustForSubject(string awsAccountId, string audience, string subject, string providerHost, string partition)
    {
        DemandAccountId(awsAccountId, nameof(awsAccountId));
        DemandAudience(audience, nameof(audience));
        DemandSubject("subject", subject, MaxSubjectLength, nameof(subject));
        DemandProviderHost(providerHost, nameof(providerHost));
        DemandPartition(partition, nameof(partition));
        return WriteTrust(
            ("Federated", $"arn:{partition}:iam::{awsAccountId}:oidc-provider/{providerHost}"),
            AwsAction.AssumeRoleWithWebIdentity,
            ("StringEquals", $"{providerHost}:aud", audience),
            ("StringLike", $"{providerHost}:sub", subject));
    }

    /// <summary>
    /// A session policy: what a role's session may do at most, whatever the role allows; on one line, since AWS STS takes 2,048 characters.
    /// See <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session">AWS on session policies</see>.
    /// </summary>
    internal static string SessionPolicy(IReadOnlyList<KmsKeyArn> keyArns)
    {
        ArgumentNullException.ThrowIfNull(keyArns);
        if (keyArns.Count == 0)
        {
            throw new ArgumentException("A policy needs a key: IAM takes no empty list of resources.", nameof(keyArns));
        }

        foreach (var keyArn in keyArns)
        {
            DemandKey(keyArn, nameof(keyArns));
        }

        return WritePermissions(keyArns, describeKey: true, indented: false, conditions: []);
    }
}
