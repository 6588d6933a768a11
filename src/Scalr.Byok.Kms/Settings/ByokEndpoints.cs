namespace Scalr.Byok.Kms;

/// <summary>Addresses that replace AWS's own, by Region. Plain http is accepted on loopback only.</summary>
/// <remarks>The AWS SDK's environment variables for endpoints are ignored: nothing but these options can redirect a customer's data keys.</remarks>
public sealed class ByokEndpoints
{
    /// <summary>The key of the entry that serves every Region without an entry of its own.</summary>
    public const string AnyRegion = "*";

    /// <summary>Addresses of AWS KMS by Region; <c>*</c> for every other Region. Default: none.</summary>
    public IDictionary<string, Uri> Kms { get; set; } = new Dictionary<string, Uri>();

    /// <summary>
    /// Whether calls to AWS go through the system's proxy (<see cref="System.Net.Http.HttpClient.DefaultProxy"/>: <c>HTTPS_PROXY</c> and its like, or the
    /// settings of Windows or macOS), if there is one. Default true. Addresses on loopback are always called directly.
    /// </summary>
    /// <remarks>
    /// Calls to AWS use TLS from end to end, so the proxy sees which AWS endpoints are called and when, and no content. A proxy that opens
    /// TLS, with a root certificate that the host trusts, sees plaintext data keys: set this option to false there.
    /// </remarks>
    public bool UseSystemProxy { get; set; } = true;

    /// <summary>Addresses of AWS STS by Region; <c>*</c> for every other Region. Default: none.</summary>
    public IDictionary<string, Uri> Sts { get; set; } = new Dictionary<string, Uri>();
}
