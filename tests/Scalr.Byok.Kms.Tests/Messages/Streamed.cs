using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What the key ring does with streams once it has a data key, with everything fixed.</summary>
internal static class Streamed
{
    /// <summary>In turn, with one thread, and with more threads than this machine may have.</summary>
    public static readonly int[] Degrees = [1, 2, 5];

    public static MessageOptions Options(int degree) => Sample.Options with { MaxDegreeOfParallelism = degree };

    public static async Task EncryptAsync(
        Stream plaintext,
        Stream message,
        MessageOptions options,
        MessageTemplate? template = null,
        CancellationToken cancellationToken = default)
    {
        MessageStreamWriter writer;
        using (var dataKey = Sample.OpenDataKey())
        {
            writer = MessageStreamWriter.Begin(
                template ?? Sample.Template(frameLength: options.FrameLength), dataKey, Sample.MessageId, options);
        }

        using (writer)
        {
            await writer.RunAsync(plaintext, message, FreeUse.Instance, cancellationToken);
        }
    }

    public static async Task DecryptAsync(
        Stream message, Stream plaintext, MessageOptions options, CancellationToken cancellationToken = default)
    {
        MessageInput input = new(message, options);
        var header = await input.ReadHeaderAsync(cancellationToken);
        MessageStreamReader reader;
        using (var dataKey = Sample.OpenDataKey())
        {
            reader = MessageStreamReader.Begin(input, header, dataKey, options);
        }

        using (reader)
        {
            await reader.RunAsync(plaintext, FreeUse.Instance, cancellationToken);
        }
    }
}
