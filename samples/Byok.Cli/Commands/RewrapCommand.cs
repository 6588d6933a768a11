using System.CommandLine;
using Byok.Cli.Files;
using Byok.Cli.Output;
using Byok.Cli.Settings;
using Scalr.Byok.Kms;

namespace Byok.Cli.Commands;

/// <summary>byok rewrap</summary>
internal sealed class RewrapCommand : Command, IHasExamples
{
    private readonly CliContext _context;
    private readonly KeyOptions _key = new();
    private readonly Argument<string[]> _files = new("FILE")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "Messages, and directories of files that end in .byok. Each is replaced at once, when its successor is complete.",
    };

    private readonly Option<int> _parallel = ParallelOption.Create();
    private readonly Option<bool> _json = new("--json") { Description = "Print what became of each file as JSON." };

    public RewrapCommand(CliContext context)
        : base("rewrap", "Move messages to the current key; their old keys are among Key:PreviousKeys. Can be run again until all are moved.")
    {
        _context = context;
        Arguments.Add(_files);
        Options.Add(_parallel);
        Options.Add(_json);
        _key.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["byok rewrap vault -s acme-next.json", "byok rewrap *.byok -j 16 --json -s acme-next.json"];

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var jobs = FilePlan.InPlace(result.GetValue(_files)!);
        await using var host = KeyHost.Open(await new SettingsReader(_context, _key).ReadAsync(result, cancellationToken));
        var ring = host.Ring;
        var report = await new FileRun(_context.Terminal, result.GetValue(_parallel)).RunAsync(
            $"Rewrapping {Shown.Count(jobs.Count, "file")}", jobs, (job, progress, token) => RewrapAsync(ring, job, progress, token), cancellationToken);
        new FilesView(_context.Terminal).Show(report, result.GetValue(_json), Verbosity.Of(result), "rewrapped");
        if (!result.GetValue(_json) && !_context.Terminal.ErrorIsTerminal)
        {
            _context.Terminal.WriteLine(FilesView.Summary(report, "rewrapped"));
        }

        return report.Code();
    }

    private static async Task<FileOutcome> RewrapAsync(IByokKeyRing ring, FileJob job, Action<long> progress, CancellationToken cancellationToken)
    {
        await using var source = SourceFile.Open(job.Source);
        var header = await ByokMessage.ReadAsync(source, cancellationToken: cancellationToken);
        if (!header.IsSigned && IsUnder(header, ring.KeyArn))
        {
            progress(source.Length);
            return FileOutcome.Unchanged;
        }

        source.Position = 0;
        await using var output = OutputFile.Create(job.Target, overwrite: true, SourceFile.ModeOf(source));
        await ring.RewrapAsync(new MeteredStream(source, progress), output.Stream, cancellationToken);
        await source.DisposeAsync();
        await output.CommitAsync(cancellationToken);
        return FileOutcome.Done;
    }

    /// <summary>Whether the ring would return it as it is: read from the header alone, so that running again is quick.</summary>
    private static bool IsUnder(UnauthenticatedHeader header, KmsKeyArn key) =>
        header.KeyArns.Count == header.EncryptedDataKeyCount && header.KeyArns.All(arn => arn == key || arn.IsReplicaOf(key));
}
