using Byok.Cli.Files;
using Byok.Cli.Output;

namespace Byok.Cli.Commands;

/// <summary>Encrypts or decrypts one stream into another.</summary>
internal delegate Task StreamWork(Stream source, Stream target, CancellationToken cancellationToken);

/// <summary>The common part of encrypt and decrypt: sources, outputs and the report.</summary>
internal sealed class Transfer
{
    private readonly Terminal _terminal;
    private readonly TransferRequest _request;
    private readonly bool _encrypts;
    private readonly IReadOnlyList<FileJob> _jobs;

    /// <exception cref="UsageException">The request is impossible with any key.</exception>
    public Transfer(Terminal terminal, TransferRequest request, bool encrypts)
    {
        _terminal = terminal;
        _request = request;
        _encrypts = encrypts;
        _jobs = request.IsStream ? [] : FilePlan.Make(encrypts, request.Sources, request.Output);
        RefuseWhatNobodyWants();
    }

    private bool FromInput => _request.Sources is [TransferOptions.Standard];

    private bool ToOutput => _request.Output == TransferOptions.Standard;

    private string Doing => _encrypts ? "Encrypting" : "Decrypting";

    public async Task<int> RunAsync(StreamWork workAsync, bool verbose, CancellationToken cancellationToken)
    {
        if (_request.IsStream)
        {
            await RunStreamAsync(workAsync, cancellationToken);
            return ExitCode.Success;
        }

        var report = await new FileRun(_terminal, _request.Parallel).RunAsync(
            $"{Doing} {Shown.Count(_jobs.Count, "file")}",
            _jobs,
            async (job, progress, token) =>
            {
                await using var source = SourceFile.Open(job.Source);
                await WriteFileAsync(new MeteredStream(source, progress), job.Target, SourceFile.ModeOf(source), workAsync, token);
                return FileOutcome.Done;
            },
            cancellationToken);
        new FilesView(_terminal).Show(report, _request.Json, verbose, _encrypts ? "encrypted" : "decrypted");
        return report.Code();
    }

    private async Task RunStreamAsync(StreamWork workAsync, CancellationToken cancellationToken)
    {
        await using var source = FromInput ? _terminal.OpenInput() : SourceFile.Open(_request.Sources[0]);
        var file = source as FileStream;

        // What was written to a pipe cannot be withdrawn, and only the end of a message shows that it is complete. Progress must not clear
        // what was written to a terminal.
        await using var held = ToOutput && !_encrypts ? new HeldPlaintext() : null;
        await new ByteProgress(_terminal).RunAsync(Doing, file is { CanSeek: true } ? file.Length : null, async progress =>
        {
            var metered = new MeteredStream(source, progress);
            if (!ToOutput)
            {
                await WriteFileAsync(
                    metered, _request.Output!, file is null ? null : SourceFile.ModeOf(file), workAsync, cancellationToken);
                return;
            }

            if (held is not null)
            {
                await workAsync(metered, held, cancellationToken);
                return;
            }

            await using var output = _terminal.OpenOutput();
            await workAsync(metered, output, cancellationToken);
        });
        if (held is not null)
        {
            await using var output = _terminal.OpenOutput();
            await held.ReleaseAsync(output, cancellationToken);
        }
    }

    private async Task WriteFileAsync(
        Stream source, string target, UnixFileMode? mode, StreamWork workAsync, CancellationToken cancellationToken)
    {
        await using var output = OutputFile.Create(target, _request.Force, mode);
        await workAsync(source, output.Stream, cancellationToken);
        await output.CommitAsync(cancellationToken);
    }

    private void RefuseWhatNobodyWants()
    {
        if (FromInput && _terminal.InputIsTerminal)
        {
            throw new UsageException("There is nothing to read: name a file, or use a pipe.");
        }

        if (ToOutput && _encrypts && _terminal.OutputIsTerminal)
        {
            throw new UsageException("A message is binary, so it is not written to a terminal: name a file with --output, or use a pipe.");
        }

        if (FromInput && !ToOutput && _request.Output is { } output && (Directory.Exists(output) || Path.EndsInDirectorySeparator(output)))
        {
            throw new UsageException($"{output} is a directory: data from standard input needs the name of a file.");
        }
    }
}
