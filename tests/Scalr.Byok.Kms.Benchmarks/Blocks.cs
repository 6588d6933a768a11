using System.Buffers;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>Bytes in blocks of their own.</summary>
internal sealed class Blocks : ReadOnlySequenceSegment<byte>
{
    public static ReadOnlySequence<byte> Of(byte[] bytes, int length)
    {
        Blocks first = new() { Memory = bytes.AsSpan(0, Math.Min(length, bytes.Length)).ToArray() };
        var last = first;
        for (var start = length; start < bytes.Length; start += length)
        {
            Blocks next = new()
            {
                Memory = bytes.AsSpan(start, Math.Min(length, bytes.Length - start)).ToArray(),
                RunningIndex = start,
            };
            last.Next = next;
            last = next;
        }

        return new(first, 0, last, last.Memory.Length);
    }
}
