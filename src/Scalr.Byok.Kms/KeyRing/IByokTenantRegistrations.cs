namespace Scalr.Byok.Kms;

/// <summary>
/// Finds which tenant has registered a KMS key or an IAM role, so that no tenant can use those of another. Optional; the host implements
/// it.
/// </summary>
/// <remarks>
/// <para>
/// <b>What it prevents.</b> With credentials of type AssumeRole, the host's own identity assumes the role. A tenant that types another
/// tenant's key ARN, role ARN and external ID would be served under the other's key ("The confused deputy problem" in the AWS IAM User
/// Guide). With this interface, <see cref="IByokKeyRingProvider"/> creates no key ring for such settings
/// (<see cref="Microsoft.Extensions.Options.OptionsValidationException"/>), and <see cref="IByokVerifier"/> reports
/// <see cref="ByokVerificationCheck.Registration"/> as failed. Neither sends anything to AWS, and neither reveals the other tenant. The
/// rejection alone shows that a key or role is registered, so limit how often a form can be tried. Key rings of <c>AddKeyRing</c>
/// are not checked: the host's operator writes their settings.
/// </para>
/// <para>
/// <b>Where it is found.</b> The service <see cref="IByokTenantRegistrations"/>, if the host registers one; otherwise the
/// <see cref="IByokKeySettingsStore"/>, if it implements this interface. A store that wraps another store must forward the calls.
/// </para>
/// <para>
/// <b>How to keep registrations.</b> Store <see cref="ByokTenantResources.Of"/> in a table of the host's database, together with the
/// settings, in one transaction, after a verification has succeeded. Put a unique index on the resource: two tenants that save at the same
/// time would both pass this check, and only the database can reject the second. Remove the rows of keys and roles that a tenant no longer
/// uses.
/// </para>
/// <para>
/// A step <see cref="ByokVerificationCheck.PreviousKey"/> that is a warning does not show that the previous key is the tenant's own: AWS
/// did not let the host describe it. A tenant that registers another tenant's key in this way blocks its owner. Register such a key only
/// after the host's operator has checked it.
/// </para>
/// <para>
/// <b>Sharing.</b> Return null for a key or role that tenants may share. With <see cref="ByokOptions.AllowSharedKeys"/>, this interface is
/// not called.
/// </para>
/// </remarks>
public interface IByokTenantRegistrations
{
    /// <summary>Finds the tenant that has registered a key or role.</summary>
    /// <remarks>
    /// Called when a tenant's key ring is created, and by each verification: once per key and role of the settings, one after the other. An
    /// exception goes unchanged to the callers that wait for the key ring. In a verification it fails the step.
    /// </remarks>
    /// <param name="resource">The key or role, as <see cref="ByokTenantResources.Of"/> writes it.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The tenant's name; null if no tenant has registered the resource, or if tenants may share it.</returns>
    ValueTask<string?> FindTenantAsync(string resource, CancellationToken cancellationToken);
}
