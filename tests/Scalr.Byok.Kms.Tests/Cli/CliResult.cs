namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>What a command left behind.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">What it wrote to standard output as text.</param>
/// <param name="Error">What it wrote to standard error.</param>
/// <param name="Data">What it wrote to standard output as bytes.</param>
/// <param name="ErrorAfterData">What it wrote to standard error after it had begun with those bytes, as far as that is known.</param>
internal sealed record CliResult(int Code, string Output, string Error, byte[] Data, string ErrorAfterData = "")
{
    public override string ToString() => $"exit code {Code}\n{Output}\n{Error}";
}
