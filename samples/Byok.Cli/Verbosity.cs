using System.CommandLine;

namespace Byok.Cli;

/// <summary>--verbose, which all commands have.</summary>
internal static class Verbosity
{
    private const string Name = "--verbose";

    public static Option<bool> CreateOption() => new(Name) { Description = "Show stack traces.", Recursive = true };

    public static bool Of(ParseResult result) => result.GetValue<bool>(Name);
}
