namespace Byok.Cli;

/// <summary>The command line or the settings are invalid. The message says what to write instead, and quotes no secret.</summary>
internal sealed class UsageException(string message) : Exception(message);
