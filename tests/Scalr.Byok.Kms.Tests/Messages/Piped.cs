using System.Buffers;
using System.IO.Pipelines;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What the key ring does with pipes once it has a data key, with everything fixed.</summary>
internal static class Piped
{
    public static async Task EncryptAsync(
        PipeReader plaintext,
        PipeWriter message,
        MessageOptions options,
        IStreamUse? use = null,
        CancellationToken cancellationToken = default)
    {
        MessagePipeWriter writer;
        using (var dataKey = Sample.OpenDataKey())
        {
            writer = MessagePipeWriter.Begin(Sample.Template(frameLength: options.FrameLength), dataKey, Sample.MessageId, options);
        }

        using (writer)
        {
            await writer.RunAsync(new PipePair(plaintext, message), use ?? FreeUse.Instance, cancellationToken);
        }
    }

    public static async Task DecryptAsync(
        PipeReader message,
        PipeWriter plaintext,
        MessageOptions options,
        IStreamUse? use = null,
        CancellationToken cancellationToken = default)
    {
        PipePair pipes = new(message, plaintext);
        var header = await pipes.ReadHeaderAsync(options, cancellationToken);
        MessagePipeReader reader;
        using (var dataKey = Sample.OpenDataKey())
        {
            reader = MessagePipeReader.Begin(header, dataKey, options);
        }

        using (reader)
        {
            await reader.RunAsync(pipes, use ?? FreeUse.Instance, cancellationToken);
        }
    }

    /// <summary>Decrypts a message in pieces, in memory; its header, too, unless that was read before.</summary>
    public static void Decrypt(
        ReadOnlySequence<byte> message, IBufferWriter<byte> plaintext, MessageOptions options, MessageHeader? header = null)
    {
        using var dataKey = Sample.OpenDataKey();
        MessageReader.ReadTo(
            plaintext, header ?? MessageHeader.Read(message, options), message, dataKey, options.MaxDegreeOfParallelism);
    }
}
