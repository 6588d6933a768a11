using System.Text.Json.Serialization;

namespace Byok.Cli.Files;

/// <summary>The result of one file, as JSON.</summary>
/// <param name="Source">The file that was read.</param>
/// <param name="Target">The file to write.</param>
/// <param name="Outcome">The outcome.</param>
/// <param name="ExitCode">The exit code that the command would have for this file alone.</param>
/// <param name="Message">Why it failed; null if it did not.</param>
internal sealed record FileResult(string Source, string Target, FileOutcome Outcome, int ExitCode = 0, string? Message = null)
{
    /// <summary>The number of bytes that were read; 0 if the target was not written.</summary>
    public long Bytes { get; init; }

    /// <summary>The failure. Not part of the JSON.</summary>
    [JsonIgnore]
    public Exception? Error { get; init; }
}
