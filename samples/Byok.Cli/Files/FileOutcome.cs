namespace Byok.Cli.Files;

/// <summary>What became of a file.</summary>
internal enum FileOutcome
{
    /// <summary>It was made.</summary>
    Done,

    /// <summary>There was nothing to do.</summary>
    Unchanged,

    /// <summary>It failed; what was there before is there still.</summary>
    Failed,
}
