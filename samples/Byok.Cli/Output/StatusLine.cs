using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>One line at the bottom of a terminal that is updated in place. Permanent lines are written above it.</summary>
internal sealed class StatusLine(IAnsiConsole console)
{
    private const string EraseLine = "\r\e[2K";

    /// <param name="text">The text. Cut to the width of the terminal.</param>
    /// <param name="style">The style of the line.</param>
    public void Show(string text, Style style)
    {
        if (console.Profile.Capabilities.Ansi)
        {
            console.Write(ControlCode.Create(console, writer => writer.Write(EraseLine)));
            console.Write(new Text(text[..Math.Min(text.Length, console.Profile.Width - 1)], style));
        }
    }

    /// <summary>Clears the line, so that a permanent line can be written.</summary>
    public void Clear()
    {
        if (console.Profile.Capabilities.Ansi)
        {
            console.Write(ControlCode.Create(console, writer => writer.Write(EraseLine)));
        }
    }
}
