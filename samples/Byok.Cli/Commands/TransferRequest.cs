namespace Byok.Cli.Commands;

/// <summary>What is to be encrypted or decrypted.</summary>
/// <param name="Sources">Files and directories, or the standard input alone.</param>
/// <param name="Output">Where to; null for beside each file.</param>
/// <param name="Force">Whether files that are there are replaced.</param>
/// <param name="Parallel">How many files at a time.</param>
/// <param name="Json">Whether the results are written as JSON.</param>
internal sealed record TransferRequest(IReadOnlyList<string> Sources, string? Output, bool Force, int Parallel, bool Json)
{
    /// <summary>Whether standard input or output takes part.</summary>
    public bool IsStream => Output == TransferOptions.Standard || Sources is [TransferOptions.Standard];
}
