using System.Text.Json.Serialization;

namespace Byok.Cli.Files;

/// <summary>What became of a file, as JSON.</summary>
/// <param name="Source">What was read.</param>
/// <param name="Target">What was to be written.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="ExitCode">What the command's exit code would be for this file alone.</param>
/// <param name="Message">Why it failed; null if it did not.</param>
internal sealed record FileResult(string Source, string Target, FileOutcome Outcome, int ExitCode = 0, string? Message = null)
{
    /// <summary>How many bytes were read to make it; 0 if it was not made.</summary>
    public long Bytes { get; init; }

    /// <summary>What went wrong; no part of the JSON.</summary>
    [JsonIgnore]
    public Exception? Error { get; init; }
}
