namespace Scalr.Byok.Kms;

/// <summary>Addresses that replace AWS's own, by Region. Plain http is accepted on loopback only.</summary>
/// <remarks>
/// An address has no user name, no query and no fragment. An entry for a Region that is not among <see cref="ByokOptions.AllowedRegions"/>
/// is never used, which is logged as a warning. The AWS SDK's environment variables for endpoints are ignored: only these options can
/// redirect a customer's data keys.
/// </remarks>
public sealed class ByokEndpoints
{
    /// <summary>The key of the entry for all Regions without an entry of their own.</summary>
    public const string AnyRegion = "*";

    /// <summary>Addresses of AWS KMS by Region; <c>*</c> for all other Regions. Default: none.</summary>
    public IDictionary<string, Uri> Kms { get; set; } = new Dictionary<string, Uri>();

    /// <summary>
    /// Whether calls to AWS use the system's proxy (<see cref="System.Net.Http.HttpClient.DefaultProxy"/>: variables such as
    /// <c>HTTPS_PROXY</c>, or the settings of Windows or macOS). Default: true. Addresses on loopback are always called directly.
    /// </summary>
    /// <remarks>
    /// Calls to AWS use TLS end to end, so a proxy sees the endpoints and the times of calls, but no content. A proxy that intercepts TLS,
    /// with a root certificate that the host trusts, sees plaintext data keys: set this option to false there.
    /// </remarks>
    public bool UseSystemProxy { get; set; } = true;

    /// <summary>Addresses of AWS STS by Region; <c>*</c> for all other Regions. Default: none.</summary>
    public IDictionary<string, Uri> Sts { get; set; } = new Dictionary<string, Uri>();
}
