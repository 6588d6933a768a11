namespace Byok.Cli.Files;

/// <summary>The results of all files.</summary>
/// <param name="Done">The number of files that were written.</param>
/// <param name="Unchanged">The number of files that needed no change.</param>
/// <param name="Failed">The number of files that failed.</param>
/// <param name="Bytes">The number of bytes that were read.</param>
/// <param name="Files">The files, sorted by their source.</param>
internal sealed record FilesReport(int Done, int Unchanged, int Failed, long Bytes, IReadOnlyList<FileResult> Files)
{
    /// <summary>The exit code of all failures if they have the same one, otherwise <see cref="ExitCode.Failed"/>.</summary>
    public int Code() => Files.Where(file => file.Outcome == FileOutcome.Failed).Select(file => file.ExitCode).Distinct().ToArray() switch
    {
        [] => ExitCode.Success,
        [var common] => common,
        _ => ExitCode.Failed,
    };
}
