namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A watched stream to read from, which returns its bytes in pieces of given sizes, at once or later.</summary>
internal sealed class SourceStream : WatchedStream
{
    private readonly ReadOnlyMemory<byte> _content;
    private readonly IReadOnlyList<Chunk> _chunks;
    private int _position;
    private int _turn;

    /// <param name="content">What there is to read.</param>
    /// <param name="chunks">How it comes, over and over; as much at a time as is asked for if there is none.</param>
    public SourceStream(ReadOnlyMemory<byte> content, params IReadOnlyList<Chunk> chunks)
    {
        _content = content;
        _chunks = chunks.Count == 0 ? [Chunk.AtOnce] : chunks;
    }

    public override bool CanRead => true;

    /// <summary>How many bytes have been read.</summary>
    public int BytesRead => Volatile.Read(ref _position);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            var chunk = _chunks[_turn++ % _chunks.Count];
            if (chunk.Later)
            {
                await Task.Yield();
            }

            if (_position >= TroubleAt)
            {
                await MeetTroubleAsync(cancellationToken);
            }

            var length = (int)Math.Min(Math.Min(chunk.Length, buffer.Length), Math.Min(TroubleAt, _content.Length) - _position);
            _content.Slice(_position, length).CopyTo(buffer);
            _position += length;
            return length;
        }
        finally
        {
            Leave();
        }
    }
}

/// <summary>One read.</summary>
/// <param name="Length">The most that it gives.</param>
/// <param name="Later">Whether it completes later, on another thread.</param>
internal readonly record struct Chunk(int Length, bool Later)
{
    public static readonly Chunk AtOnce = new(int.MaxValue, Later: false);

    public static readonly Chunk AllLater = new(int.MaxValue, Later: true);
}
