namespace Byok.Cli.Files;

/// <summary>The result of one file.</summary>
internal enum FileOutcome
{
    /// <summary>The target was written.</summary>
    Done,

    /// <summary>There was nothing to do.</summary>
    Unchanged,

    /// <summary>It failed. The files are as before.</summary>
    Failed,
}
