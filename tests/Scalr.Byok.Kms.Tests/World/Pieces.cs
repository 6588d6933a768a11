using System.Buffers;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Bytes in several pieces of memory.</summary>
internal sealed class Pieces : ReadOnlySequenceSegment<byte>
{
    /// <summary>Copies bytes into pieces of the given lengths, over and over.</summary>
    public static ReadOnlySequence<byte> Of(ReadOnlySpan<byte> bytes, params int[] lengths)
    {
        Pieces first = new();
        var last = first;
        for (var turn = 0; !bytes.IsEmpty; turn++)
        {
            var length = Math.Min(lengths[turn % lengths.Length], bytes.Length);
            last = new Pieces { Memory = bytes[..length].ToArray(), RunningIndex = last.RunningIndex + last.Memory.Length, Before = last };
            bytes = bytes[length..];
        }

        return new(first, 0, last, last.Memory.Length);
    }

    private Pieces Before
    {
        init => value.Next = this;
    }
}
