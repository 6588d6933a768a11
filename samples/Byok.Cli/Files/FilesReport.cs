namespace Byok.Cli.Files;

/// <summary>What became of all files.</summary>
/// <param name="Done">How many were made.</param>
/// <param name="Unchanged">How many needed nothing.</param>
/// <param name="Failed">How many failed.</param>
/// <param name="Bytes">How many bytes were read to make them.</param>
/// <param name="Files">Each file, by its source.</param>
internal sealed record FilesReport(int Done, int Unchanged, int Failed, long Bytes, IReadOnlyList<FileResult> Files)
{
    /// <summary>The one that all failures have in common, or <see cref="ExitCode.Failed"/>.</summary>
    public int Code() => Files.Where(file => file.Outcome == FileOutcome.Failed).Select(file => file.ExitCode).Distinct().ToArray() switch
    {
        [] => ExitCode.Success,
        [var common] => common,
        _ => ExitCode.Failed,
    };
}
