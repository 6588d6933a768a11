namespace Byok.Cli;

/// <summary>A command whose help shows how it is used.</summary>
internal interface IHasExamples
{
    /// <summary>Command lines, ready to be pasted.</summary>
    IReadOnlyList<string> Examples { get; }
}
