using System.CommandLine;

namespace Byok.Cli.Settings;

/// <summary>The encryption context: --context name=value, any number of times.</summary>
internal sealed class ContextOption() : Option<string[]>("--context", "-c")
{
    /// <summary>The pairs.</summary>
    /// <exception cref="UsageException">A text is not a pair. The message does not quote values, which are the customer's.</exception>
    public IReadOnlyDictionary<string, string> Read(ParseResult result)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var pair in result.GetValue(this) ?? [])
        {
            if (pair.Split('=', 2) is not [{ Length: > 0 } name, var value])
            {
                throw new UsageException("--context needs NAME=VALUE.");
            }

            if (!pairs.TryAdd(name, value))
            {
                throw new UsageException($"--context names '{name}' twice.");
            }
        }

        return pairs;
    }
}
