namespace Byok.Cli.Files;

/// <summary>How files are read.</summary>
internal static class SourceFile
{
    public static FileStream Open(string path) => new(
        path,
        new FileStreamOptions
        {
            Access = FileAccess.Read,
            Share = FileShare.Read,
            BufferSize = 0,
            Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
        });

    /// <summary>The permissions of an open file; null if the system does not report them.</summary>
    public static UnixFileMode? ModeOf(FileStream file) =>
        OperatingSystem.IsWindows() || !file.CanSeek ? null : File.GetUnixFileMode(file.SafeFileHandle);
}
