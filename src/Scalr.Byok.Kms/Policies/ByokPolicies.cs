using System.Security.Cryptography;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms;

/// <summary>
/// Writes the IAM policies that a customer needs, as JSON to show beside the settings form or to use as infrastructure as code.
/// </summary>
/// <remarks>
/// <para>
/// The user or the role needs <c>KeyPermissions</c>. The role also needs a trust policy: <see cref="AssumeRoleTrust"/> for
/// credentials of type AssumeRole, <see cref="OidcTrust"/> for Oidc. No call is made: the key, the account and the identity provider
/// need not exist.
/// </para>
/// <para>
/// The host's AWS account and issuer have no default: with another host's, customers would trust that host. Those of Scalr are
/// <see cref="ScalrAccountId"/> and <see cref="ScalrProviderHost"/>.
/// </para>
/// <para>
/// A value that would widen a policy is rejected: a wildcard in a name, or a
/// <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html">policy variable</see>. The text is
/// indented JSON with <c>\n</c> between its lines. It is not encoded for HTML: a page that shows it has to encode it. Characters above
/// U+00FF, which IAM does not accept in policies, are written as <c>\u</c> escapes.
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

    /// <summary>
    /// Writes the permission policy of the user or role: kms:Encrypt, kms:Decrypt and kms:DescribeKey on this key, and nothing else.
    /// </summary>
    /// <param name="keyArn">The key.</param>
    /// <param name="replicaRegions">
    /// Regions that have a replica of the multi-Region key, which is allowed too (<see cref="ByokKeySettings.ReplicaRegions"/>). Default:
    /// none.
    /// </param>
    /// <param name="describeKey">
    /// Whether to allow kms:DescribeKey. Recommended: the host then notices a disabled or deleted key before calls fail. Default: true.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the encryption context of each request must have, as conditions on <c>kms:EncryptionContext:</c> and the name. Other
    /// pairs are allowed. A tenant's requests have <c>scalr:tenant</c>. Default: none.
    /// </param>
    /// <param name="requiredContextKeys">Keys that the encryption context of each request must have, with any value. Default: none.</param>
    /// <returns>
    /// The whole policy, with one statement. With conditions, kms:DescribeKey has its own statement without them, because its requests have
    /// no encryption context.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="keyArn"/> is the default value. Or a replica Region is not a Region of the key's partition, is the key's own, is
    /// named twice, or is given for a single-Region key. Or a name of the encryption context is not 1 to 255 visible ASCII characters, or
    /// is named twice, without regard to case. Or a value is empty, or contains a control character, an unpaired surrogate or <c>${</c>.
    /// The message does not quote the value.
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

    /// <summary>Writes the permission policy of the user or role, for a key ARN as text.</summary>
    /// <param name="keyArn">The key's ARN, as the customer typed it.</param>
    /// <param name="replicaRegions">Regions that hold a replica of the multi-Region key. Default: none.</param>
    /// <param name="describeKey">Whether kms:DescribeKey is allowed, too. Default: true.</param>
    /// <param name="encryptionContext">Pairs that the encryption context of each request must have. Default: none.</param>
    /// <param name="requiredContextKeys">Keys that the encryption context of each request must have, with any value. Default: none.</param>
    /// <exception cref="ArgumentNullException"><paramref name="keyArn"/> is null.</exception>
    /// <exception cref="FormatException">
    /// <paramref name="keyArn"/> is not a key ARN; the message says which part is wrong.
    /// <see cref="KmsKeyArn.TryParse(string?, out KmsKeyArn, out string?)"/> returns the same message without an exception.
    /// </exception>
    /// <inheritdoc cref="KeyPermissions(KmsKeyArn, IEnumerable{string}, bool, IReadOnlyDictionary{string, string}, IEnumerable{string})"/>
    public static string KeyPermissions(
        string keyArn,
        IEnumerable<string>? replicaRegions = null,
        bool describeKey = true,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        IEnumerable<string>? requiredContextKeys = null) =>
        KeyPermissions(KmsKeyArn.Parse(keyArn), replicaRegions, describeKey, encryptionContext, requiredContextKeys);

    /// <summary>Writes the trust policy of a role that the host assumes from its own AWS account, with the external ID.</summary>
    /// <remarks>
    /// The external ID prevents the host from being a
    /// <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html">confused deputy</see>: without it, another
    /// customer of the host who guesses the role's ARN could make the host use the role. Each customer needs an own external ID
    /// (<see cref="NewExternalId"/>).
    /// </remarks>
    /// <param name="externalId">
    /// The external ID: 2 to 1,224 letters, digits and <c>_ + = , . @ : / -</c>. The policy contains it unencrypted.
    /// </param>
    /// <param name="hostAccountId">The AWS account of the host, 12 digits: <see cref="ByokOptions.HostAccountId"/>.</param>
    /// <param name="partition">
    /// The partition of both accounts, such as <c>aws-us-gov</c>: roles are never assumed from another partition. Null, the default:
    /// <c>aws</c>.
    /// </param>
    /// <returns>The whole policy, with one statement.</returns>
    /// <exception cref="ArgumentException">A value is missing or malformed. The message says which, and does not quote it.</exception>
    public static string AssumeRoleTrust(string externalId, string hostAccountId, string? partition = null)
    {
        DemandExternalId(externalId, nameof(externalId));
        DemandAccountId(hostAccountId, nameof(hostAccountId));
        partition ??= DefaultPartition;
        DemandPartition(partition, nameof(partition));
        return WriteTrust(
            ("AWS", $"arn:{partition}:iam::{hostAccountId}:root"), AwsAction.AssumeRole, ("StringEquals", "sts:ExternalId", externalId));
    }

    /// <summary>Writes the trust policy of a role that is assumed with a token of the host's OpenID Connect issuer.</summary>
    /// <remarks>
    /// Before it works, the customer registers the issuer in IAM as an identity provider, with the audience as a client ID. The policy
    /// compares the token's <c>sub</c> by
    /// <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html">StringLike</see>.
    /// Wildcards are rejected, so it accepts exactly <c>account:</c> and this name, with regard to case.
    /// </remarks>
    /// <param name="awsAccountId">The customer's AWS account, where the identity provider is registered: 12 digits.</param>
    /// <param name="audience">The audience (<c>aud</c>) of the tokens: 1 to 255 visible ASCII characters.</param>
    /// <param name="accountName">
    /// The customer's account at the host (the tenant), at most 247 characters. The subject (<c>sub</c>) of the host's tokens is
    /// <c>account:</c> and this name.
    /// </param>
    /// <param name="providerHost">
    /// The host's issuer as IAM names it: its URL without <c>https://</c>, a host name in lower case, possibly with a path.
    /// </param>
    /// <param name="partition">The partition of the customer's account, such as <c>aws-us-gov</c>. Null, the default: <c>aws</c>.</param>
    /// <returns>The whole policy, with one statement.</returns>
    /// <exception cref="ArgumentException">
    /// A value is missing or malformed. Or the account name contains <c>*</c> or <c>?</c>, a control character or an unpaired surrogate. Or
    /// the account name or the audience contains <c>${</c>. The message says which and why.
    /// </exception>
    public static string OidcTrust(
        string awsAccountId, string audience, string accountName, string providerHost, string? partition = null)
    {
        DemandAccountId(awsAccountId, nameof(awsAccountId));
        DemandAudience(audience, nameof(audience));
        DemandSubject("account name", accountName, MaxSubjectLength - SubjectPrefix.Length, nameof(accountName));
        return OidcTrustForSubject(awsAccountId, audience, SubjectOf(accountName), providerHost, partition);
    }

    /// <summary>
    /// Creates an external ID for <see cref="AssumeRoleTrust"/>: 32 letters and digits (190 bits) from the system's cryptographic random
    /// number generator.
    /// </summary>
    /// <remarks>
    /// AWS's rule (<see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html">third-party
    /// access</see>): the host creates one per customer, stores it and shows it to that customer. Never take it from a form: a customer who
    /// types another customer's external ID could make the host use the other's role. If customers choose their external IDs all the same,
    /// the host needs <see cref="IByokTenantRegistrations"/>.
    /// </remarks>
    /// <returns>The external ID.</returns>
    public static string NewExternalId() => RandomNumberGenerator.GetString(ExternalIdAlphabet, ExternalIdLength);

    /// <summary>
    /// As <see cref="OidcTrust"/>, for a host whose tokens have other subjects than <c>account:</c> and the account's name.
    /// </summary>
    /// <param name="awsAccountId">The customer's AWS account, where the identity provider is registered: 12 digits.</param>
    /// <param name="audience">The audience (<c>aud</c>) of the tokens: 1 to 255 visible ASCII characters.</param>
    /// <param name="subject">
    /// The subject (<c>sub</c>) of this customer's tokens, at most 255 characters: the result of the <c>subject</c> mapping given to
    /// <c>AddOidcTokens</c> for the tenant.
    /// </param>
    /// <param name="providerHost">
    /// The host's issuer as IAM names it: its URL without <c>https://</c>, a host name in lower case, possibly with a path.
    /// </param>
    /// <param name="partition">The partition of the customer's account, such as <c>aws-us-gov</c>. Null, the default: <c>aws</c>.</param>
    /// <returns>The whole policy, with one statement.</returns>
    /// <exception cref="ArgumentException">
    /// A value is missing or malformed. Or the subject contains <c>*</c> or <c>?</c>, a control character or an unpaired surrogate. Or the
    /// subject or the audience contains <c>${</c>. The message says which and why.
    /// </exception>
    public static string OidcTrustForSubject(
        string awsAccountId, string audience, string subject, string providerHost, string? partition = null)
    {
        DemandAccountId(awsAccountId, nameof(awsAccountId));
        DemandAudience(audience, nameof(audience));
        DemandSubject("subject", subject, MaxSubjectLength, nameof(subject));
        DemandProviderHost(providerHost, nameof(providerHost));
        partition ??= DefaultPartition;
        DemandPartition(partition, nameof(partition));
        return WriteTrust(
            ("Federated", $"arn:{partition}:iam::{awsAccountId}:oidc-provider/{providerHost}"),
            AwsAction.AssumeRoleWithWebIdentity,
            ("StringEquals", $"{providerHost}:aud", audience),
            ("StringLike", $"{providerHost}:sub", subject));
    }

    /// <summary>
    /// Writes a session policy, the limit of what a role's session may do. On one line, because AWS STS accepts 2,048 characters. See
    /// <see href="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session">AWS on session policies</see>.
    /// </summary>
    internal static string SessionPolicy(IReadOnlyList<KmsKeyArn> keyArns)
    {
        ArgumentNullException.ThrowIfNull(keyArns);
        if (keyArns.Count == 0)
        {
            throw new ArgumentException("A policy needs a key: IAM accepts no empty list of resources.", nameof(keyArns));
        }

        foreach (var keyArn in keyArns)
        {
            DemandKey(keyArn, nameof(keyArns));
        }

        return WritePermissions(keyArns, describeKey: true, indented: false, conditions: []);
    }
}
