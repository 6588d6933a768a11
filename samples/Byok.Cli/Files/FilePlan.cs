namespace Byok.Cli.Files;

/// <summary>Chooses the target of each source: names gain or lose the suffix .byok, and directories keep their structure.</summary>
internal sealed class FilePlan
{
    /// <summary>How the names of encrypted files end.</summary>
    public const string Suffix = ".byok";

    private readonly bool _encrypts;
    private readonly string? _output;
    private readonly List<FileJob> _jobs = [];

    private FilePlan(bool encrypts, string? output)
    {
        _encrypts = encrypts;
        _output = output;
    }

    /// <param name="encrypts">Whether names gain the suffix, or lose it.</param>
    /// <param name="sources">Files and directories.</param>
    /// <param name="output">The file or directory to write; null: beside each source.</param>
    /// <exception cref="UsageException">A target is unknown, or is named twice.</exception>
    public static IReadOnlyList<FileJob> Make(bool encrypts, IReadOnlyList<string> sources, string? output)
    {
        var plan = new FilePlan(encrypts, output);
        var outputIsDirectory = sources.Count > 1
            || (output is not null && (Directory.Exists(output) || Path.EndsInDirectorySeparator(output)));
        foreach (var source in sources)
        {
            if (Directory.Exists(source))
            {
                plan.AddDirectory(source, sources.Count > 1);
            }
            else
            {
                plan.AddFile(source, outputIsDirectory);
            }
        }

        return plan.Check();
    }

    /// <summary>Every encrypted file in directories, and every file that is named.</summary>
    /// <exception cref="UsageException">There is no such file.</exception>
    public static IReadOnlyList<FileJob> InPlace(IReadOnlyList<string> sources)
    {
        var files = sources.SelectMany(source => Directory.Exists(source) ? FilesIn(source).Where(IsEncrypted) : [Existing(source)]);
        return [.. files.Select(Resolve)
            .DistinctBy(file => file.FullName)
            .Select(file => new FileJob(file.FullName, file.FullName, file.Length))];
    }

    /// <summary>Every file in directories, and every file that is named: full paths, in ordinal order.</summary>
    /// <exception cref="UsageException">There is no such file.</exception>
    public static IReadOnlyList<string> All(IReadOnlyList<string> sources) =>
    [
        .. sources.SelectMany(source => Directory.Exists(source) ? FilesIn(source) : [Existing(source)])
            .Select(Path.GetFullPath).Distinct().Order(StringComparer.Ordinal),
    ];

    /// <summary>Whether a name states that the file is a message.</summary>
    public static bool IsEncrypted(string file) => file.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase);

    /// <summary>A link stays as it is. Its target is replaced.</summary>
    private static FileInfo Resolve(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true) as FileInfo ?? new FileInfo(path);

    private static string Existing(string path) => File.Exists(path) ? path : throw new UsageException($"{path} does not exist.");

    /// <summary>Links are not followed. Unfinished files of byok are left out.</summary>
    private static IEnumerable<string> FilesIn(string directory) => Directory
        .EnumerateFiles(directory, "*", new EnumerationOptions
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = false,
            AttributesToSkip = FileAttributes.ReparsePoint,
        })
        .Where(file => !file.EndsWith(OutputFile.UnfinishedSuffix, StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    private void AddFile(string source, bool outputIsDirectory)
    {
        var target = _output is not null && !outputIsDirectory
            ? _output
            : Rename(_output is null ? source : Path.Combine(_output, Path.GetFileName(source)))
                ?? throw new UsageException($"{source} does not end in {Suffix}: say with --output what to call the plaintext.");
        _jobs.Add(new FileJob(source, target, new FileInfo(Existing(source)) is { Length: > 0 and var length } ? length : null));
    }

    private void AddDirectory(string source, bool isOneOfMany)
    {
        var output = _output ?? throw new UsageException($"{source} is a directory: say with --output where the files go.");
        var from = Path.GetFullPath(source);
        var to = Path.GetFullPath(isOneOfMany ? Path.Combine(output, Path.GetFileName(Path.TrimEndingDirectorySeparator(from))) : output);
        if (IsWithin(to, from))
        {
            throw new UsageException($"{output} is within {source}, which is read: choose another place for the files.");
        }

        foreach (var file in FilesIn(source))
        {
            if (Rename(Path.Combine(to, Path.GetRelativePath(source, file))) is { } target)
            {
                _jobs.Add(new FileJob(file, target, new FileInfo(file).Length));
            }
        }
    }

    private static bool IsWithin(string path, string directory) =>
        Path.GetRelativePath(directory, path) is var relative
        && !Path.IsPathRooted(relative) && relative.Split(Path.DirectorySeparatorChar)[0] != "..";

    /// <summary>Null: no name of an encrypted file.</summary>
    private string? Rename(string path) =>
        _encrypts ? path + Suffix : IsEncrypted(path) && Path.GetFileName(path).Length > Suffix.Length ? path[..^Suffix.Length] : null;

    private List<FileJob> Check()
    {
        if (_jobs.Find(job => Path.GetFullPath(job.Source) == Path.GetFullPath(job.Target)) is { } same)
        {
            throw new UsageException($"{same.Source} would be overwritten while it is read: choose another output.");
        }

        if (_jobs.GroupBy(job => Path.GetFullPath(job.Target)).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new UsageException(
                $"{twice.Key} would be written twice, from {string.Join(" and ", twice.Select(job => job.Source))}.");
        }

        return _jobs;
    }
}
