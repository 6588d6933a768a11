using System.Text;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Reads the token from a file that somebody else keeps fresh, for example a projected Kubernetes service account token.</summary>
internal sealed class FileWebIdentityTokenProvider : IWebIdentityTokenProvider
{
    private readonly string _path;

    public FileWebIdentityTokenProvider(string path) => _path = path;

    public async ValueTask<string> GetTokenAsync(string audience, CancellationToken cancellationToken)
    {
        var stream = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 4096, useAsync: true);
        await using (stream.ConfigureAwait(false))
        {
            // One byte above what AWS STS takes tells an oversized file without reading it whole.
            var buffer = new byte[WebIdentityTokens.MaxLength + 1];
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return Encoding.UTF8.GetString(buffer, 0, length).Trim();
        }
    }
}
