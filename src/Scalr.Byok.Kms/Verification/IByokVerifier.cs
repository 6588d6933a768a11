namespace Scalr.Byok.Kms;

/// <summary>
/// Tries a customer's settings step by step before they are saved ("Test connection"), and says what to do about each failed step.
/// </summary>
/// <remarks>
/// Uses the settings as a key ring does: the STS call of the credentials type, kms:DescribeKey, and kms:Encrypt and kms:Decrypt of a random
/// value. Nothing is stored. A role is also tried as an unrelated party could try it: without the external ID, or with a token of another
/// subject ("The confused deputy problem" in the AWS IAM User Guide). If the host has <see cref="IByokTenantRegistrations"/>, nothing is
/// sent to AWS for a key or a role that another tenant has registered.
/// Costs at most 5 requests to AWS for the key, 4 per replica and 2 per previous key. Retries of denied steps cost more.
/// </remarks>
public interface IByokVerifier
{
    /// <summary>Tries the settings once.</summary>
    /// <param name="settings">The settings that the customer typed, valid or not.</param>
    /// <param name="tenant">
    /// The tenant whose key ring will use the settings, or the name of the ring of <c>AddKeyRing</c>; null for the unnamed ring. The
    /// encryption context (<c>scalr:tenant</c>) and the OIDC token depend on it, so take it from the signed-in user's account, never from
    /// the form.
    /// </param>
    /// <param name="cancellationToken">Cancels the verification.</param>
    /// <returns>
    /// The result of each step. Invalid settings and answers of AWS are results, not exceptions. Takes at most
    /// <see cref="ByokResilienceOptions.TotalTimeout"/>, even if AWS does not answer.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="settings"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="tenant"/> is empty, has more than 1,000 characters or is not valid Unicode.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The settings have credentials of type AssumeRole, and <see cref="ByokOptions.HostAccountId"/> is not set.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<ByokVerification> VerifyAsync(ByokKeySettings settings, string? tenant, CancellationToken cancellationToken = default);

    /// <summary>Tries the settings, and repeats denied steps while IAM may still apply a change.</summary>
    /// <param name="settings">The settings that the customer typed, valid or not.</param>
    /// <param name="tenant">
    /// The tenant whose key ring will use the settings, or the name of the ring of <c>AddKeyRing</c>; null for the unnamed ring. Take it
    /// from the signed-in user's account, never from the form.
    /// </param>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the verification.</param>
    /// <returns>
    /// The result of each step. Invalid settings and answers of AWS are results, not exceptions. Takes at most
    /// <see cref="ByokResilienceOptions.TotalTimeout"/> plus <see cref="ByokVerificationOptions.WaitForPropagation"/>.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="settings"/> or <paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="tenant"/> is empty, has more than 1,000 characters or is not valid Unicode. Or a key ring cannot send
    /// <see cref="ByokVerificationOptions.EncryptionContext"/>: it is malformed, or a name in it is reserved.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The settings have credentials of type AssumeRole, and <see cref="ByokOptions.HostAccountId"/> is not set.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <see cref="ByokVerificationOptions.WaitForPropagation"/> is negative or above 1 hour.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<ByokVerification> VerifyAsync(
        ByokKeySettings settings, string? tenant, ByokVerificationOptions options, CancellationToken cancellationToken = default);
}
