using System.Text;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A message with everything fixed, and the ways to make others from it.</summary>
internal static class Sample
{
    public const int FrameLength = 16;
    public const int MaxKeys = 16;

    public static readonly byte[] DataKeyBytes = Bytes(DataKey.Length, first: 100);
    public static readonly byte[] MessageId = Bytes(32, first: 200);
    public static readonly byte[] Plaintext = Encoding.ASCII.GetBytes("The quick brown fox jumps over the lazy dog.");
    public static readonly Dictionary<string, string> Pairs = new() { ["tenant"] = "acme", ["purpose"] = "example" };

    public static EncryptedDataKey WrappedKey { get; } =
        new(EncryptedDataKey.AwsKms, "arn:aws:kms:us-east-1:111122223333:key/mrk-1"u8.ToArray(), Bytes(60, first: 7));

    public static MessageOptions Options { get; } = new()
    {
        FrameLength = FrameLength,
        MaxMessageLength = long.MaxValue,
        MaxHeaderLength = 1 << 20,
        MaxEncryptedDataKeys = MaxKeys,
        MaxFrameLength = 1 << 20,
        MaxDegreeOfParallelism = 1,
    };

    public static DataKey OpenDataKey() => DataKey.CopyFrom(DataKeyBytes);

    public static MessageTemplate Template(
        IReadOnlyDictionary<string, string>? pairs = null, int frameLength = FrameLength, int keys = 1) =>
        new(EncryptionContext.Create(pairs ?? Pairs, "pairs"), Enumerable.Repeat(WrappedKey, keys).ToArray(), frameLength);

    public static byte[] Message(ReadOnlyMemory<byte>? plaintext = null, MessageTemplate? template = null)
    {
        var bytes = plaintext ?? Plaintext;
        template ??= Template();
        using var dataKey = OpenDataKey();
        var message = new byte[MessageWriter.MessageLength(template, bytes.Length)];
        MessageWriter.Write(template, dataKey, MessageId, new(bytes), message);
        return message;
    }

    public static byte[] Read(ReadOnlyMemory<byte> message)
    {
        using var dataKey = OpenDataKey();
        return Read(message, dataKey);
    }

    public static byte[] Read(ReadOnlyMemory<byte> message, DataKey dataKey) =>
        MessageReader.Read(MessageHeader.Read(message, Options), new(message), dataKey);

    public static byte[] Bytes(int count, byte first) => [.. Enumerable.Range(first, count).Select(value => unchecked((byte)value))];
}
