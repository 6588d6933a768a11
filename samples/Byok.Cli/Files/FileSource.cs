using Scalr.Byok.Kms;

namespace Byok.Cli.Files;

/// <summary>
/// Files for <see cref="ByokReencryption"/>. The name states the form: a file that ends in .byok is a message, any other file is plaintext.
/// </summary>
/// <remarks>
/// An item is read as a whole: use a batch size of 1. A new file is complete when it appears under its name. No file system compares and
/// replaces in one step, so a write by another process in between is lost. A database prevents that.
/// </remarks>
internal sealed class FileSource : IReencryptionSource<string>, ICountedReencryptionSource
{
    private readonly IReadOnlyList<string> _sources;
    private readonly IReadOnlyDictionary<string, string>? _encryptionContext;
    private IReadOnlyList<string> _files;

    /// <param name="sources">Files, and directories of files.</param>
    /// <param name="encryptionContext">The pairs that messages are bound to; null for none.</param>
    /// <exception cref="UsageException">There is no such file.</exception>
    public FileSource(IReadOnlyList<string> sources, IReadOnlyDictionary<string, string>? encryptionContext = null)
    {
        _sources = sources;
        _encryptionContext = encryptionContext;
        _files = FilePlan.All(sources);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ReencryptionItem<string>>> ReadPageAsync(
        ReencryptionPage page, CancellationToken cancellationToken)
    {
        var items = new List<ReencryptionItem<string>>();
        var files = page.After is null ? _files = FilePlan.All(_sources) : _files; // the forms may have changed since the last pass
        for (var i = IndexAfter(files, page.After); i < files.Count && items.Count < page.MaxItems; i++)
        {
            if (await ReadAsync(files[i], page.MaxBytes, cancellationToken) is { } bytes)
            {
                items.Add(new()
                {
                    Id = files[i],
                    Key = files[i],
                    Form = FilePlan.IsEncrypted(files[i]) ? ReencryptionForm.Message : ReencryptionForm.Plaintext,
                    Bytes = bytes,
                    EncryptionContext = _encryptionContext,
                });
            }
        }

        return items;
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReplaceAsync(
        IReadOnlyList<ReencryptionReplacement<string>> replacements, CancellationToken cancellationToken)
    {
        var replaced = 0;
        foreach (var replacement in replacements)
        {
            replaced += await TryReplaceAsync(replacement, cancellationToken) ? 1 : 0;
        }

        return replaced;
    }

    /// <inheritdoc/>
    public ValueTask<long> CountItemsAsync(string? after, CancellationToken cancellationToken) =>
        new(_files.Count - IndexAfter(_files, after));

    private static async Task<bool> TryReplaceAsync(ReencryptionReplacement<string> replacement, CancellationToken cancellationToken)
    {
        var path = replacement.Old.Id;
        var target = replacement.Form == replacement.Old.Form ? path
            : replacement.Form == ReencryptionForm.Message ? path + FilePlan.Suffix
            : path[..^FilePlan.Suffix.Length];
        if (target != path && File.Exists(target))
        {
            return false; // another file, or the successor from a run that was killed before it could delete the old file
        }

        await using var output = OutputFile.Create(target, overwrite: target == path, ModeOf(path));
        await output.Stream.WriteAsync(replacement.Bytes, cancellationToken);
        var present = await ReadAsync(path, maxBytes: null, cancellationToken);
        if (present is null || !present.AsSpan().SequenceEqual(replacement.Old.Bytes.Span))
        {
            return false;
        }

        await output.CommitAsync(cancellationToken);
        if (target != path)
        {
            File.Delete(path);
        }

        return true;
    }

    /// <summary>The bytes of a file, or its first; null if it was deleted or renamed meanwhile.</summary>
    private static async Task<byte[]?> ReadAsync(string path, int? maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = SourceFile.Open(path);
            var bytes = new byte[Math.Min(file.Length, maxBytes ?? Array.MaxLength)];
            await file.ReadExactlyAsync(bytes, cancellationToken);
            return bytes;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static UnixFileMode? ModeOf(string path) =>
        OperatingSystem.IsWindows() || !File.Exists(path) ? null : File.GetUnixFileMode(path);

    private static int IndexAfter(IReadOnlyList<string> files, string? key)
    {
        var index = 0;
        while (key is not null && index < files.Count && string.CompareOrdinal(files[index], key) <= 0)
        {
            index++;
        }

        return index;
    }
}
