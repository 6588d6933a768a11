using System.Security.Cryptography;

namespace Byok.Cli.Files;

/// <summary>
/// A file that appears under its name only when it is complete: it is written beside it, under a name of its own that only its owner can
/// read, and renamed at the end. Disposed before that, it leaves nothing.
/// </summary>
internal sealed class OutputFile : IAsyncDisposable
{
    /// <summary>How the names of unfinished files end.</summary>
    public const string UnfinishedSuffix = ".byok-unfinished";

    private readonly string _target;
    private readonly string _temporary;
    private readonly bool _overwrite;
    private readonly UnixFileMode? _mode;
    private bool _committed;

    private OutputFile(string target, string temporary, bool overwrite, UnixFileMode? mode, FileStream stream)
    {
        _target = target;
        _temporary = temporary;
        _overwrite = overwrite;
        _mode = mode;
        Stream = stream;
    }

    /// <summary>The stream to write to.</summary>
    public FileStream Stream { get; }

    /// <param name="target">The final name.</param>
    /// <param name="overwrite">Whether a file of that name is replaced.</param>
    /// <param name="mode">
    /// The final permissions; null: only the owner can read and write. Ignored on Windows.
    /// </param>
    /// <exception cref="IOException">The file exists, or cannot be created.</exception>
    public static OutputFile Create(string target, bool overwrite, UnixFileMode? mode)
    {
        ThrowIfTaken(target, overwrite);
        var directory = Path.GetDirectoryName(Path.GetFullPath(target))!;
        Directory.CreateDirectory(directory);
        var temporary = Path.Combine(directory, $".{RandomNumberGenerator.GetHexString(16, lowercase: true)}{UnfinishedSuffix}");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
            Options = FileOptions.Asynchronous,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new OutputFile(target, temporary, overwrite, mode, new FileStream(temporary, options));
    }

    /// <exception cref="IOException">The file exists, and must not be replaced.</exception>
    public static void ThrowIfTaken(string target, bool overwrite)
    {
        if (Directory.Exists(target))
        {
            throw new IOException($"{target} is a directory.");
        }

        if (!overwrite && File.Exists(target))
        {
            throw new IOException($"{target} exists; --force replaces it.");
        }
    }

    /// <summary>Flushes the file to the disk, then gives it its final name.</summary>
    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        await Stream.FlushAsync(cancellationToken);
        await Task.Run(() => Stream.Flush(flushToDisk: true), cancellationToken);
        await Stream.DisposeAsync();
        cancellationToken.ThrowIfCancellationRequested();
        if (_mode is { } mode && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_temporary, mode);
        }

        ThrowIfTaken(_target, _overwrite);
        File.Move(_temporary, _target, _overwrite);
        _committed = true;
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        if (!_committed)
        {
            File.Delete(_temporary);
        }
    }
}
