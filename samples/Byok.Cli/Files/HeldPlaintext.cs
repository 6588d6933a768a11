using System.Security.Cryptography;

namespace Byok.Cli.Files;

/// <summary>
/// Plaintext that is held back until all of it is authenticated: up to 1 MiB in memory, more in a temporary file that has no name (Unix) or
/// vanishes when it is closed (Windows).
/// </summary>
internal sealed class HeldPlaintext : Stream
{
    private const int MostInMemory = 1024 * 1024;

    private readonly MemoryStream _memory = new(MostInMemory); // never grows, so that no copy is left behind
    private FileStream? _file;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => (_file ?? (Stream)_memory).Length;

    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_file is null && _memory.Length + buffer.Length <= MostInMemory)
        {
            await _memory.WriteAsync(buffer, cancellationToken);
            return;
        }

        if (_file is null)
        {
            _file = OpenNameless();
            _memory.WriteTo(_file);
        }

        await _file.WriteAsync(buffer, cancellationToken);
    }

    /// <summary>Writes the plaintext to the output.</summary>
    public async Task ReleaseAsync(Stream destination, CancellationToken cancellationToken)
    {
        var held = _file ?? (Stream)_memory;
        held.Position = 0;
        await held.CopyToAsync(destination, cancellationToken);
        await destination.FlushAsync(cancellationToken);
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            CryptographicOperations.ZeroMemory(_memory.GetBuffer());
            _memory.Dispose();
            _file?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static FileStream OpenNameless()
    {
        var path = Path.Combine(
            Path.GetTempPath(), $"{RandomNumberGenerator.GetHexString(16, lowercase: true)}{OutputFile.UnfinishedSuffix}");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.Asynchronous | (OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None),
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var file = new FileStream(path, options);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path);
        }

        return file;
    }
}
