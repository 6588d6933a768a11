using System.CommandLine;
using Byok.Cli.Files;
using Byok.Cli.Output;
using Byok.Cli.Settings;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok reencrypt</summary>
internal sealed class ReencryptCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly Argument<string[]> _files = new("FILE")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "Messages, and directories of files that end in .byok. Each is replaced in one step, when the new one is complete.",
    };

    private readonly Option<int> _parallel = ParallelOption.Create();
    private readonly Option<bool> _json = new("--json") { Description = "Print the result of each file as JSON." };

    public ReencryptCommand(CliContext context)
        : base(
            "reencrypt",
            "Move messages to the current key; their old keys are among Key:PreviousKeys. Can be run again until all are moved.")
    {
        _context = context;
        Arguments.Add(_files);
        Options.Add(_parallel);
        Options.Add(_json);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
        ["byok reencrypt vault -s acme-next.json", "byok reencrypt *.byok -j 16 --json -s acme-next.json"];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var jobs = FilePlan.InPlace(result.GetValue(_files)!);
        await using var host = KeyHost.Open(_context, await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var ring = host.Ring;
        var report = await new FileRun(_context.Terminal, result.GetValue(_parallel)).RunAsync(
            $"Re-encrypting {Shown.Count(jobs.Count, "file")}",
            jobs,
            (job, progress, token) => ReencryptAsync(ring, job, progress, token),
            cancellationToken);
        new FilesView(_context.Terminal).Show(report, result.GetValue(_json), Verbosity.Of(result), "re-encrypted");
        if (!result.GetValue(_json) && !_context.Terminal.ErrorIsTerminal)
        {
            _context.Terminal.WriteLine(FilesView.Summary(report, "re-encrypted"));
        }

        return report.Code();
    }

    private static async Task<FileOutcome> ReencryptAsync(
        IByokKeyRing ring, FileJob job, Action<long> progress, CancellationToken cancellationToken)
    {
        await using var source = SourceFile.Open(job.Source);
        var header = await ByokMessage.ReadAsync(source, cancellationToken: cancellationToken);
        if (!ring.NeedsReencryption(header))
        {
            progress(source.Length); // by the header alone, so that running again is quick
            return FileOutcome.Unchanged;
        }

        source.Position = 0;
        await using var output = OutputFile.Create(job.Target, overwrite: true, SourceFile.ModeOf(source));
        if (!await ring.ReencryptAsync(new MeteredStream(source, progress), output.Stream, cancellationToken: cancellationToken))
        {
            return FileOutcome.Unchanged;
        }

        await source.DisposeAsync();
        await output.CommitAsync(cancellationToken);
        return FileOutcome.Done;
    }
}
