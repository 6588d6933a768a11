namespace Byok.Cli.Files;

/// <summary>One file to make out of another.</summary>
/// <param name="Source">What is read.</param>
/// <param name="Target">What is written; the source itself where it is replaced.</param>
/// <param name="Length">How much there is to read, in bytes; null if no one knows.</param>
internal sealed record FileJob(string Source, string Target, long? Length);
