using System.CommandLine;

namespace Byok.Cli.Commands;

/// <summary>How many files at a time.</summary>
internal static class ParallelOption
{
    private const int Most = 64;

    public static Option<int> Create()
    {
        var option = new Option<int>("--parallel", "-j")
        {
            HelpName = "1-64",
            Description = "How many files at the same time. One large file already uses all processors.",
            DefaultValueFactory = _ => 4,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var number) && number is >= 1 and <= Most))
            {
                result.AddError("out of range");
            }
        });
        return option;
    }
}
