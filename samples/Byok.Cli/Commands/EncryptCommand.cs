namespace Byok.Cli.Commands;

/// <summary>byok encrypt</summary>
internal sealed class EncryptCommand : TransferCommand
{
    public EncryptCommand(CliContext context)
        : base(
            context,
            encrypts: true,
            "encrypt",
            "Encrypt files, directories or standard input under the customer's key.",
            "A pair of the encryption context, bound to the message and readable in it. Repeatable.")
    {
    }

    public override IReadOnlyList<string> Examples =>
    [
        "byok encrypt report.pdf -c account=acme -s acme.json",
        "byok encrypt documents -o vault -s acme.json",
        "pg_dump acme | byok encrypt -s acme.json > acme.byok",
    ];
}
