namespace Byok.Cli.Commands;

/// <summary>byok decrypt</summary>
internal sealed class DecryptCommand : TransferCommand
{
    public DecryptCommand(CliContext context)
        : base(
            context,
            encrypts: false,
            "decrypt",
            "Decrypt files, directories or standard input. Nothing is written that is not authenticated to its end.",
            "A pair that the message must have been encrypted with; it may have more. Repeatable.")
    {
    }

    public override IReadOnlyList<string> Examples =>
    [
        "byok decrypt report.pdf.byok -c account=acme -s acme.json",
        "byok decrypt vault -o documents -s acme.json",
        "byok decrypt acme.byok -o - -s acme.json | psql acme",
    ];
}
