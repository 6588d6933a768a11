namespace Byok.Cli.Commands;

/// <summary>What to encrypt or decrypt.</summary>
/// <param name="Sources">Files and directories, or the standard input alone.</param>
/// <param name="Output">The file or directory to write; null: beside each source.</param>
/// <param name="Force">Whether existing files are replaced.</param>
/// <param name="Parallel">How many files are processed at the same time.</param>
/// <param name="Json">Whether the results are written as JSON.</param>
internal sealed record TransferRequest(IReadOnlyList<string> Sources, string? Output, bool Force, int Parallel, bool Json)
{
    /// <summary>Whether standard input or output takes part.</summary>
    public bool IsStream => Output == TransferOptions.Standard || Sources is [TransferOptions.Standard];
}
