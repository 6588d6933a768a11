using System.CommandLine;
using System.CommandLine.Parsing;

namespace Byok.Cli;

/// <summary>
/// Writes the errors of a command line without its values, because a value can be a secret and errors are often logged.
/// </summary>
internal static class ParseErrors
{
    public static IReadOnlyList<string> Find(ParseResult parsed)
    {
        List<string> unknown = [.. OptionsTakenForFiles(parsed), .. parsed.UnmatchedTokens];
        if (parsed.Errors.Count == 0 && unknown.Count == 0)
        {
            return [];
        }

        var complaints = unknown.Count > 0 ? [Describe(unknown[0])] : parsed.Errors.Select(error => Describe(error)).Distinct();
        return [.. complaints, $"Try: {Path(parsed.CommandResult)} --help"];
    }

    /// <summary>
    /// Rejects unknown options that would otherwise be taken for files. A file that begins with - can be named as ./-name.
    /// </summary>
    private static IEnumerable<string> OptionsTakenForFiles(ParseResult parsed) => parsed.CommandResult.Children.OfType<ArgumentResult>()
        .SelectMany(argument => argument.Tokens).Select(token => token.Value).Where(value => value.Length > 1 && value.StartsWith('-'));

    private static string Describe(string token)
    {
        var name = token.Split('=', ':')[0];
        if (!token.StartsWith('-') || name.Length > 40)
        {
            return "There is one argument too many, or byok does not have this command.";
        }

        return name.Contains("secret", StringComparison.OrdinalIgnoreCase)
            || name.Contains("session-token", StringComparison.OrdinalIgnoreCase)
            ? $"{name}: secrets are not taken from the command line, where other users of the machine can read them. "
                + "Set Key__Credentials__SecretAccessKey in the environment, use a settings file, or leave it out: byok then asks for it."
            : $"{name}: this command has no such option.";
    }

    private static string Describe(ParseError error) => error.SymbolResult switch
    {
        OptionResult { Tokens.Count: 0, Implicit: true } option => $"{option.Option.Name} is needed.",
        OptionResult { Tokens.Count: 0 } option => $"{option.Option.Name} needs a value.",
        OptionResult option when option.Option.Arity.MaximumNumberOfValues == 1 && option.Tokens.Count > 1 =>
            $"{option.Option.Name} is given more than once.",
        OptionResult option => $"{option.Option.Name} has an invalid value; it takes {option.Option.HelpName ?? "another"}.",
        ArgumentResult argument => $"{argument.Argument.HelpName ?? argument.Argument.Name} is missing or invalid.",
        CommandResult { Command.Subcommands: { Count: > 0 } subcommands } =>
            $"A command is needed: {string.Join(", ", subcommands.Select(command => command.Name))}.",
        _ => "The command line is not complete.",
    };

    private static string Path(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "byok";
}
