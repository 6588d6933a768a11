using System.Text;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Reads the token from a file that another program refreshes, for example a projected Kubernetes service account token.
/// </summary>
/// <remarks>A file that cannot be read, or has no complete token, is read again shortly: it may be written at that moment.</remarks>
internal sealed class FileOidcTokenProvider : IOidcTokenProvider
{
    private const int MostReads = 4;

    // Doubled after each read: at most 350 ms in all.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    private readonly OidcTokenFiles _files;
    private readonly IOidcRings _rings;
    private readonly TimeProvider _time;

    /// <param name="files">The files.</param>
    /// <param name="rings">The rings of the host.</param>
    /// <param name="time">The clock for pauses.</param>
    public FileOidcTokenProvider(OidcTokenFiles files, IOidcRings rings, TimeProvider time)
    {
        _files = files;
        _rings = rings;
        _time = time;
    }

    /// <exception cref="ByokServiceException">No file serves the ring, or the file cannot be read.</exception>
    public async ValueTask<string> GetTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken)
    {
        var (path, error) = _files.Find(request.Owner, _rings);
        if (path is null)
        {
            throw OidcTokens.Failed(error!, isTransient: false);
        }

        for (var (reads, pause) = (1, FirstPause); ; reads++, pause *= 2)
        {
            try
            {
                var text = await ReadAsync(path, cancellationToken).ConfigureAwait(false);

                // The last text is returned as it is. OidcTokens checks it and reports what is wrong.
                if (reads == MostReads || text.Length > OidcTokens.MaxLength || JsonWebToken.Read(text) is not null)
                {
                    return text;
                }
            }
            catch (IOException) when (reads < MostReads)
            {
                // Read again below: the file may be missing between its deletion and its replacement.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw OidcTokens.Failed($"could not be read ({e.GetType().Name})", isTransient: e is IOException, isFile: true);
            }

            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        // The other program may replace or delete the file at the same time, so it must not be locked.
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 4096, useAsync: true);
        await using (stream.ConfigureAwait(false))
        {
            // One character longer than the longest token of AWS STS, in the longest encoding. So an oversized file is detected without
            // reading all of it.
            var buffer = new byte[(OidcTokens.MaxLength + 2) * sizeof(char)];
            var length = await stream.ReadAtLeastAsync(
                buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);

            // The buffer is not erased: the token is also in strings of this library and of the AWS SDK, which cannot be erased.
            return Decode(buffer.AsSpan(0, length)).Trim();
        }
    }

    /// <summary>Decodes by the byte order mark, which text editors and PowerShell write; UTF-8 without one.</summary>
    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        foreach (var encoding in (Encoding[])[Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            if (bytes.StartsWith(encoding.Preamble))
            {
                return encoding.GetString(bytes[encoding.Preamble.Length..]);
            }
        }

        return Encoding.UTF8.GetString(bytes);
    }
}
