using System.Buffers;
using System.IO.Pipelines;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// The reading end of a pipe that keeps its contract exactly, and fails the test if its user does not: one read at a time, no more
/// consumed than was read, nothing examined twice, never completed.
/// </summary>
internal sealed class StrictPipeReader : PipeReader
{
    private readonly ReadOnlyMemory<byte> _content;
    private readonly int _arrival;
    private readonly bool _endsWithLast;
    private readonly int[] _pieces;
    private int _consumed;
    private int _examined;
    private int _arrived;
    private bool _isReading;
    private bool _isEndKnown;
    private ReadOnlySequence<byte> _buffer;
    private Pieces? _held;
    private int _heldFrom;
    private Func<CancellationToken, ValueTask>? _trouble;
    private int _troubleAt = -1;

    /// <param name="content">What comes.</param>
    /// <param name="arrival">How many bytes come at a time. The bytes before them can be read then, and are gone once consumed.</param>
    /// <param name="endsWithLast">Whether the end is known together with the last bytes, or only by a read of its own.</param>
    /// <param name="pieces">The lengths of the pieces of a buffer.</param>
    public StrictPipeReader(ReadOnlyMemory<byte> content, int arrival = int.MaxValue, bool endsWithLast = true, params int[] pieces)
    {
        _content = content;
        _arrival = arrival;
        _endsWithLast = endsWithLast;
        _pieces = pieces.Length == 0 ? [int.MaxValue] : pieces;
    }

    public int BytesConsumed => _consumed;

    /// <summary>The most bytes that were held without being consumed.</summary>
    public int MostHeld { get; private set; }

    public bool IsReading => _isReading;

    /// <summary>Whether another read returns at once, as the next user of the pipe expects.</summary>
    public bool HasNext => _examined < _arrived || _isEndKnown;

    /// <summary>Has this happen, once, when a read would have to wait for the byte at this offset.</summary>
    public void At(int offset, Func<CancellationToken, ValueTask> trouble) => (_troubleAt, _trouble) = (offset, trouble);

    /// <summary>Cancels the read that waits for the byte at this offset.</summary>
    public void CancelAt(int offset) => At(offset, _ =>
    {
        IsCanceled = true;
        return default;
    });

    private bool IsCanceled { get; set; }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        Assert.That(_isReading, Is.False, "a read before the one before was advanced");
        cancellationToken.ThrowIfCancellationRequested();
        var waits = _examined == _arrived;
        if (waits && _troubleAt >= 0 && _arrived >= _troubleAt)
        {
            _troubleAt = -1;
            await _trouble!(cancellationToken);
        }

        if (waits && !IsCanceled)
        {
            var isAllThere = _arrived == _content.Length;
            var limit = _troubleAt > _arrived ? _troubleAt : _content.Length;
            _arrived = (int)Math.Min((long)_arrived + _arrival, limit);
            _isEndKnown = isAllThere || (_endsWithLast && _arrived == _content.Length);
        }

        _isReading = true;
        if (_held is null || _heldFrom != _consumed)
        {
            (_held, _heldFrom) = (new(_content[_consumed..], _pieces), _consumed);
        }

        _buffer = _held.To(_arrived - _consumed);
        MostHeld = Math.Max(MostHeld, (int)_buffer.Length);
        (var isCanceled, IsCanceled) = (IsCanceled, false);
        return new ReadResult(_buffer, isCanceled, _isEndKnown);
    }

    public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        Assert.That(_isReading, "advanced without a read");
        var start = _consumed;
        var newlyConsumed = (int)_buffer.Slice(0, consumed).Length;
        var newlyExamined = start + (int)_buffer.Slice(0, examined).Length;
        Assert.That(newlyExamined, Is.GreaterThanOrEqualTo(start + newlyConsumed), "examined before consumed");
        Assert.That(newlyExamined, Is.GreaterThanOrEqualTo(_examined), "examined goes back");
        (_consumed, _examined, _isReading) = (start + newlyConsumed, newlyExamined, false);
    }

    public override void CancelPendingRead() => IsCanceled = true;

    public override void Complete(Exception? exception = null) => Assert.Fail("completed by its user");
}
