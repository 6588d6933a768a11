namespace Scalr.Byok.Kms;

/// <summary>The button "Test connection": tries a customer's settings before they are saved, step by step, and says what to do about each that fails.</summary>
/// <remarks>
/// Uses the settings as a key ring would: kms:DescribeKey, kms:Encrypt and kms:Decrypt of a random value, and the STS call of the credentials type. Nothing
/// is kept. A role is also tried as a stranger would try it, without the external ID or with a token of another subject
/// ("The confused deputy problem" in the AWS IAM User Guide).
/// </remarks>
public interface IByokVerifier
{
    /// <summary>Tries the settings once.</summary>
    /// <param name="settings">What the customer typed, right or wrong.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>
    /// What came of each step; never an exception for what the customer typed or for what AWS answers. Within
    /// <see cref="ByokResilienceOptions.TotalTimeout"/>, even if AWS hangs.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="settings"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<ByokVerification> VerifyAsync(ByokKeySettings settings, CancellationToken cancellationToken = default);

    /// <summary>Tries the settings, and denied steps again while IAM may still be spreading a change.</summary>
    /// <param name="settings">What the customer typed, right or wrong.</param>
    /// <param name="options">How to go about it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>
    /// What came of each step; never an exception for what the customer typed or for what AWS answers. Within
    /// <see cref="ByokResilienceOptions.TotalTimeout"/> and <see cref="ByokVerificationOptions.WaitForPropagation"/> together.
    /// </returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">
    /// A key ring cannot send <see cref="ByokVerificationOptions.EncryptionContext"/>: it is malformed, or has the tenant's pair beside a
    /// <see cref="ByokVerificationOptions.Tenant"/>; or the tenant's name is empty or is not valid Unicode.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ByokVerificationOptions.WaitForPropagation"/> is negative or above 1 hour.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<ByokVerification> VerifyAsync(ByokKeySettings settings, ByokVerificationOptions options, CancellationToken cancellationToken = default);
}
