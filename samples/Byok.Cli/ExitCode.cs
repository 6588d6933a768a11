namespace Byok.Cli;

/// <summary>The exit codes, for scripts. README.md lists them for users.</summary>
internal static class ExitCode
{
    /// <summary>Done; the key is usable.</summary>
    public const int Success = 0;

    /// <summary>Another failure: a file cannot be read or written, or files failed for several reasons.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the settings are wrong. Nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>The key is usable, but something should be corrected. Or two sides differ.</summary>
    public const int Warnings = 3;

    /// <summary>The customer's key or permission is not usable.</summary>
    public const int KeyUnusable = 4;

    /// <summary>AWS could not serve the call, or does not accept the host's own identity.</summary>
    public const int ServiceFailing = 5;

    /// <summary>The message was changed or cut, belongs to another key or context, or is of a kind that is not accepted.</summary>
    public const int MessageRefused = 6;

    /// <summary>Ctrl+C, or another request to stop.</summary>
    public const int Cancelled = 130;
}
