using Scalr.Byok.Kms;

namespace Byok.Cli.Output;

/// <summary>The header of a message, as JSON.</summary>
internal sealed record MessageReport(
    bool Authenticated,
    string AlgorithmSuite,
    int AlgorithmSuiteId,
    bool IsSigned,
    string MessageId,
    IReadOnlyList<KmsKeyArn> KeyArns,
    int EncryptedDataKeyCount,
    IReadOnlyList<DataKeyReport> EncryptedDataKeys,
    IReadOnlyDictionary<string, string> EncryptionContext,
    bool IsFramed,
    long FrameLength,
    int HeaderLength)
{
    public static MessageReport Of(UnauthenticatedHeader header) => new(
        Authenticated: false,
        header.AlgorithmSuite,
        header.AlgorithmSuiteId,
        header.IsSigned,
        Convert.ToHexStringLower(header.MessageId.Span),
        header.KeyArns,
        header.EncryptedDataKeyCount,
        [.. header.EncryptedDataKeys.Select(DataKeyReport.Of)],
        header.EncryptionContext,
        header.IsFramed,
        header.FrameLength,
        header.HeaderLength);
}
