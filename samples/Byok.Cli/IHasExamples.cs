namespace Byok.Cli;

/// <summary>A command whose help has examples.</summary>
internal interface IHasExamples
{
    /// <summary>Command lines, ready to be pasted.</summary>
    IReadOnlyList<string> Examples { get; }
}
