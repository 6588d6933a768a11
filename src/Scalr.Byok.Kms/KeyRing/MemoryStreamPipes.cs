using System.Buffers;
using System.IO.Pipelines;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// Streams in memory, as pipes: frames go straight from the buffer of the one to the buffer of the other. For a source and a destination
/// whose buffers are accessible (<see cref="MemoryStream.TryGetBuffer"/>).
/// </summary>
internal static class MemoryStreamPipes
{
    /// <summary>The two streams as pipes; null if they must be read and written as streams.</summary>
    public static PipePair? TryOpen(Stream source, Stream destination)
    {
        // Of the type itself: a derived class may do more when it is read or written. Only at the end of the destination: bytes beyond it
        // are no one's until they are written.
        if (source is not MemoryStream from
            || destination is not MemoryStream to
            || from.GetType() != typeof(MemoryStream)
            || to.GetType() != typeof(MemoryStream)
            || !from.CanRead
            || !to.CanWrite
            || from.Position > from.Length
            || to.Position != to.Length
            || !from.TryGetBuffer(out var input)
            || !to.TryGetBuffer(out var output)
            || input.Array == output.Array)
        {
            return null;
        }

        ReadOnlySequence<byte> bytes = new(input.AsMemory((int)from.Position));
        return new PipePair(PipeReader.Create(bytes), new Writer(to));
    }

    /// <summary>Writes to the end of a stream. Its flushes never wait.</summary>
    private sealed class Writer(MemoryStream stream) : PipeWriter
    {
        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            var end = (int)Math.Min(stream.Length + sizeHint, int.MaxValue);
            if (end > stream.Capacity)
            {
                // As the stream itself grows. Throws its exception if it cannot.
                stream.Capacity = (int)Math.Max(end, Math.Min(2L * stream.Capacity, Array.MaxLength));
            }

            // The stream does not move its buffer before the next GetMemory.
            stream.TryGetBuffer(out var buffer);
            return buffer.Array.AsMemory(buffer.Offset + (int)stream.Length, stream.Capacity - (int)stream.Length);
        }

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        // Written onto themselves: the stream copies nothing, and counts them.
        public override void Advance(int bytes) => stream.Write(GetMemory(bytes).Span[..bytes]);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
