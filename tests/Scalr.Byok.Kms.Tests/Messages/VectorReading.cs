using System.Buffers;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A way to read a message, given its data key. All of them have to come to the same.</summary>
/// <param name="Name">What it is called when it fails.</param>
/// <param name="ReadAsync">Reads: gives the plaintext, or throws what the library throws.</param>
internal sealed record VectorReading(string Name, Func<byte[], DataKey, Task<byte[]>> ReadAsync)
{
    private static readonly MessageOptions Limits = MessageOptions.Unlimited with { MaxHeaderLength = 1 << 20, MaxFrameLength = 1 << 24 };

    public static IReadOnlyList<VectorReading> All { get; } =
    [
        new("in memory", (message, dataKey) => Task.FromResult(MessageReader.Read(Header(message), new(message), dataKey))),
        new("into buffers", (message, dataKey) => Task.FromResult(ReadInto(message, dataKey))),
        new("from a stream", (message, dataKey) => StreamAsync(new MemoryStream(message), dataKey, Limits)),
        new(
            "from a stream by bytes",
            (message, dataKey) => StreamAsync(new Trickle(message), dataKey, Limits with { MaxDegreeOfParallelism = 3 })),
        new("from a pipe", (message, dataKey) => PipeAsync(new StrictPipeReader(message, int.MaxValue, true, 4096), dataKey)),
        new(
            "from a pipe by bytes",
            (message, dataKey) => PipeAsync(
                new StrictPipeReader(message, arrival: 1 + (message.Length / 4096), endsWithLast: false), dataKey)), // long ones: several
        new("in pieces", (message, dataKey) => Task.FromResult(ReadPieces(Pieces.Of(message, 1, 100), dataKey))),
    ];

    public static MessageHeader Header(byte[] message) => MessageHeader.Read(message, Limits);

    private static byte[] ReadInto(byte[] message, DataKey dataKey)
    {
        ArrayBufferWriter<byte> plaintext = new();
        MessageReader.ReadTo(plaintext, Header(message), new(message), dataKey, maxDegreeOfParallelism: 3);
        return plaintext.WrittenSpan.ToArray();
    }

    private static async Task<byte[]> StreamAsync(Stream message, DataKey dataKey, MessageOptions limits)
    {
        MessageInput input = new(message, limits);
        using var reader = MessageStreamReader.Begin(input, await input.ReadHeaderAsync(default), dataKey, limits);
        MemoryStream plaintext = new();
        await reader.RunAsync(plaintext, FreeUse.Instance, default);
        return plaintext.ToArray();
    }

    private static byte[] ReadPieces(ReadOnlySequence<byte> message, DataKey dataKey)
    {
        ArrayBufferWriter<byte> plaintext = new();
        MessageReader.ReadTo(plaintext, MessageHeader.Read(message, Limits), message, dataKey, maxDegreeOfParallelism: 3);
        return plaintext.WrittenSpan.ToArray();
    }

    private static async Task<byte[]> PipeAsync(StrictPipeReader message, DataKey dataKey)
    {
        StrictPipeWriter plaintext = new();
        PipePair pipes = new(message, plaintext);
        using var reader = MessagePipeReader.Begin(await pipes.ReadHeaderAsync(Limits, default), dataKey, Limits);
        await reader.RunAsync(pipes, FreeUse.Instance, default);
        return plaintext.Content.ToArray();
    }

    /// <summary>Gives one byte at a time, as a slow network may.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
