using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Scalr.Byok.Kms;

namespace Byok.Cli.Audit;

/// <summary>A file of audit records, one JSON object per line. Holds one line in memory.</summary>
internal static class RecordFile
{
    /// <summary>The longest line. A record with the longest ARNs, tenant and context names is shorter.</summary>
    private const int LongestLine = 256 * 1024;

    /// <summary>Reads the lines in order.</summary>
    /// <returns>The number of each line, and its record; null for a line that is not a record, such as one that a crash cut off.</returns>
    public static async IAsyncEnumerable<(long Line, ByokAuditRecord? Record)> ReadAsync(
        string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pipe = PipeReader.Create(File.OpenRead(path));
        try
        {
            var (line, isSkipping) = (1L, false);
            while (true)
            {
                var result = await pipe.ReadAsync(cancellationToken);
                var buffer = result.Buffer;
                while (buffer.PositionOf((byte)'\n') is { } end)
                {
                    var text = buffer.Slice(0, end);
                    buffer = buffer.Slice(buffer.GetPosition(1, end));
                    if (isSkipping || !IsBlank(text))
                    {
                        yield return (line, isSkipping || text.Length > LongestLine ? null : Parse(text));
                    }

                    (line, isSkipping) = (line + 1, false);
                }

                if (result.IsCompleted)
                {
                    if (isSkipping || !IsBlank(buffer))
                    {
                        yield return (line, isSkipping ? null : Parse(buffer));
                    }

                    break;
                }

                if (buffer.Length > LongestLine)
                {
                    (buffer, isSkipping) = (buffer.Slice(buffer.End), true);
                }

                pipe.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    private static bool IsBlank(ReadOnlySequence<byte> text) => text.Length <= 1 && text.ToArray().All(b => b is (byte)'\r' or (byte)' ');

    private static ByokAuditRecord? Parse(ReadOnlySequence<byte> text) =>
        ByokAuditRecord.TryParse(Encoding.UTF8.GetString(text), out var record) ? record : null;
}
