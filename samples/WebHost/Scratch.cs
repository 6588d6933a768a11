namespace WebHost;

/// <summary>A folder for data that ends with the process, because the keys of LocalAws end with it too. Made on first use.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly Lazy<DirectoryInfo> _directory = new(() => Directory.CreateTempSubdirectory("webhost-"));

    public string Path => _directory.Value.FullName;

    public void Dispose()
    {
        if (_directory.IsValueCreated)
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            _directory.Value.Delete(recursive: true);
        }
    }
}
