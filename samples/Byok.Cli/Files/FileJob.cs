namespace Byok.Cli.Files;

/// <summary>One file to write from another.</summary>
/// <param name="Source">The file to read.</param>
/// <param name="Target">The file to write; the source itself if it is replaced.</param>
/// <param name="Length">The length of the source in bytes; null if it is not known.</param>
internal sealed record FileJob(string Source, string Target, long? Length);
