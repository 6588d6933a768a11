using System.Buffers;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Bytes in several pieces of memory, the first of which is empty.</summary>
internal sealed class Pieces
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int[] _lengths;
    private readonly Piece _first = new();
    private Piece _last;
    private int _turn;

    /// <param name="bytes">The bytes, which stay where they are.</param>
    /// <param name="lengths">The lengths of the pieces, over and over.</param>
    public Pieces(ReadOnlyMemory<byte> bytes, int[] lengths) => (_bytes, _lengths, _last) = (bytes, lengths, _first);

    /// <summary>Bytes in pieces of the given lengths, over and over.</summary>
    public static ReadOnlySequence<byte> Of(ReadOnlyMemory<byte> bytes, params int[] lengths) =>
        new Pieces(bytes, lengths).To(bytes.Length);

    /// <summary>The first so many bytes, and no fewer than at the call before: as in a pipe, the last piece grows.</summary>
    public ReadOnlySequence<byte> To(int end)
    {
        while (_last.End < end)
        {
            if (_last == _first || _last.Memory.Length == _lengths[(_turn - 1) % _lengths.Length])
            {
                _last = _last.Add();
                _turn++;
            }

            var start = (int)_last.RunningIndex;
            _last.Set(_bytes[start..(int)Math.Min((long)start + _lengths[(_turn - 1) % _lengths.Length], end)]);
        }

        return new(_first, 0, _last, _last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public long End => RunningIndex + Memory.Length;

        public void Set(ReadOnlyMemory<byte> memory) => Memory = memory;

        /// <summary>An empty piece behind this one.</summary>
        public Piece Add()
        {
            Piece next = new() { RunningIndex = End };
            Next = next;
            return next;
        }
    }
}
