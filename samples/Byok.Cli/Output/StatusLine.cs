using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>One line at the bottom of a terminal that is written over again and again. Lines that are to stay go above it.</summary>
internal sealed class StatusLine(IAnsiConsole console)
{
    private const string EraseLine = "\r\e[2K";

    /// <param name="text">Cut where the terminal ends.</param>
    /// <param name="style">How it looks.</param>
    public void Show(string text, Style style)
    {
        if (console.Profile.Capabilities.Ansi)
        {
            console.Write(ControlCode.Create(console, writer => writer.Write(EraseLine)));
            console.Write(new Text(text[..Math.Min(text.Length, console.Profile.Width - 1)], style));
        }
    }

    /// <summary>Makes room for a line that is to stay.</summary>
    public void Clear()
    {
        if (console.Profile.Capabilities.Ansi)
        {
            console.Write(ControlCode.Create(console, writer => writer.Write(EraseLine)));
        }
    }
}
