using System.Collections.Concurrent;
using Byok.Cli.Output;

namespace Byok.Cli.Files;

/// <summary>Processes files, several at the same time. A file that fails does not stop the others.</summary>
/// <param name="terminal">Shows the progress.</param>
/// <param name="parallel">How many files are processed at the same time.</param>
internal sealed class FileRun(Terminal terminal, int parallel)
{
    private readonly ConcurrentDictionary<FileJob, FileResult> _results = new();

    /// <param name="title">The title of the progress bar.</param>
    /// <param name="jobs">The files.</param>
    /// <param name="workAsync">Processes one file, and reports the bytes that it has read.</param>
    /// <param name="cancellationToken">Cancels the run. Files that are complete stay.</param>
    public async Task<FilesReport> RunAsync(
        string title,
        IReadOnlyList<FileJob> jobs,
        Func<FileJob, Action<long>, CancellationToken, Task<FileOutcome>> workAsync,
        CancellationToken cancellationToken)
    {
        var total = jobs.All(job => job.Length is not null) ? jobs.Sum(job => job.Length) : null;
        await new ByteProgress(terminal).RunAsync(title, total, async progress =>
        {
            var options = new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(jobs, options, async (job, token) =>
            {
                _results[job] = await TryAsync(job, progress, workAsync, token);
            });
        });

        FileResult[] files = [.. jobs.Select(job => _results[job])];
        return new FilesReport(
            Of(files, FileOutcome.Done),
            Of(files, FileOutcome.Unchanged),
            Of(files, FileOutcome.Failed),
            files.Sum(file => file.Bytes),
            files);
    }

    private static int Of(FileResult[] files, FileOutcome outcome) => files.Count(file => file.Outcome == outcome);

    private async Task<FileResult> TryAsync(
        FileJob job,
        Action<long> progress,
        Func<FileJob, Action<long>, CancellationToken, Task<FileOutcome>> workAsync,
        CancellationToken cancellationToken)
    {
        var read = 0L; // by one operation at a time
        void Count(long bytes)
        {
            read += bytes;
            progress(bytes);
        }

        try
        {
            var outcome = await workAsync(job, Count, cancellationToken);
            return new FileResult(job.Source, job.Target, outcome) { Bytes = outcome == FileOutcome.Done ? read : 0 };
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            var failure = Failure.Of(error);
            return new FileResult(job.Source, job.Target, FileOutcome.Failed, failure.Code, string.Join(' ', failure.Lines))
            {
                Error = error,
            };
        }
    }
}
