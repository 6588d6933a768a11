using System.Diagnostics;

namespace Fleet.Demo;

/// <summary>A temporary folder. It is deleted even if the demonstration is killed, except on Windows.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>
    /// Waits until the standard input is closed, and deletes the folder. Again later, because an instance may write to it until it ends.
    /// </summary>
    private const string Guard = """
        trap '' INT TERM HUP
        cat > /dev/null
        rm -rf -- "$1"
        sleep 3
        rm -rf -- "$1"
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("byok-fleet-");
    private readonly Process? _guard;

    public TemporaryFolder()
    {
        if (!OperatingSystem.IsWindows())
        {
            _guard = Process.Start(
                new ProcessStartInfo("sh", ["-c", Guard, "guard", Path]) { RedirectStandardInput = true });
        }
    }

    public string Path => _folder.FullName;

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        _guard?.Kill(entireProcessTree: true); // it has nothing to do
        _guard?.Dispose();
    }
}
