namespace Scalr.Byok.Kms.Racer;

/// <summary>
/// Encrypted data keys as files that several processes share. Stops once it has found nothing, until it is told to go on, so that all have
/// found nothing.
/// </summary>
internal sealed class FolderStore : IByokDataKeyStore
{
    private readonly string _folder;

    public FolderStore(string folder) => _folder = folder;

    public async ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (File.Exists(PathOf(name)))
        {
            return await File.ReadAllBytesAsync(PathOf(name), cancellationToken);
        }

        Console.WriteLine("found nothing");
        Console.ReadLine();
        return null;
    }

    public async ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken)
    {
        var written = Path.Combine(_folder, Path.GetRandomFileName());
        await File.WriteAllBytesAsync(written, encryptedKey, cancellationToken);
        try
        {
            File.Move(written, PathOf(name), overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(PathOf(name)))
        {
            File.Delete(written);
            return false;
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, $"{name}.key");
}
