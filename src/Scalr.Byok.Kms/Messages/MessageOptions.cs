namespace Scalr.Byok.Kms.Messages;

/// <summary>The options of <see cref="ByokOptions"/> for messages, under the same names.</summary>
internal sealed record MessageOptions
{
    /// <summary>Only the limits of the format, for a header that is already in memory.</summary>
    public static readonly MessageOptions Unlimited = new()
    {
        FrameLength = 1,
        MaxMessageLength = long.MaxValue,
        MaxHeaderLength = int.MaxValue,
        MaxEncryptedDataKeys = ushort.MaxValue,
        MaxFrameLength = int.MaxValue,
        MaxDegreeOfParallelism = 1,
    };

    public required int FrameLength { get; init; }

    public required long MaxMessageLength { get; init; }

    public required int MaxHeaderLength { get; init; }

    public required int MaxEncryptedDataKeys { get; init; }

    public required int MaxFrameLength { get; init; }

    public required int MaxDegreeOfParallelism { get; init; }

    public static MessageOptions From(ByokOptions options) => new()
    {
        FrameLength = options.FrameLength,
        MaxMessageLength = options.MaxMessageLength,
        MaxHeaderLength = options.MaxHeaderLength,
        MaxEncryptedDataKeys = options.MaxEncryptedDataKeys,
        MaxFrameLength = options.MaxFrameLength,
        MaxDegreeOfParallelism = options.MaxDegreeOfParallelism,
    };
}
