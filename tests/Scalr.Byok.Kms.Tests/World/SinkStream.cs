namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A watched stream to write to, which keeps what it gets, or only counts it.</summary>
internal sealed class SinkStream : WatchedStream
{
    private readonly MemoryStream _content = new();
    private readonly bool _later;
    private readonly bool _keeps;
    private bool _isAsExpected = true;
    private long _written;

    /// <param name="later">Whether writing completes later, on another thread.</param>
    /// <param name="keeps">Whether it keeps the bytes.</param>
    public SinkStream(bool later = false, bool keeps = true) => (_later, _keeps) = (later, keeps);

    public override bool CanWrite => true;

    /// <summary>All that was written; only to be asked when no one writes.</summary>
    public ReadOnlySpan<byte> Content => _content.GetBuffer().AsSpan(0, (int)_content.Length);

    /// <summary>What is to be written, so that it need not be kept.</summary>
    public ReadOnlyMemory<byte>? Expected { get; init; }

    /// <summary>Whether all of <see cref="Expected"/> was written, and nothing else.</summary>
    public bool IsAsExpected => _isAsExpected && _written == Expected?.Length;

    /// <summary>How many bytes were written; may be asked at any time.</summary>
    public long BytesWritten => Volatile.Read(ref _written);

    /// <summary>How many bytes were written before each flush.</summary>
    public List<long> Flushes { get; } = [];

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            if (_later)
            {
                await Task.Yield();
            }

            if (_written + buffer.Length > TroubleAt)
            {
                await MeetTroubleAsync(cancellationToken);
            }

            if (Expected is { } expected)
            {
                _isAsExpected = _isAsExpected && expected.Span[(int)_written..].StartsWith(buffer.Span);
            }
            else if (_keeps)
            {
                _content.Write(buffer.Span);
            }

            Volatile.Write(ref _written, _written + buffer.Length);
        }
        finally
        {
            Leave();
        }
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        Enter();
        try
        {
            if (_written == TroubleAt)
            {
                await MeetTroubleAsync(cancellationToken);
            }

            Flushes.Add(_written);
        }
        finally
        {
            Leave();
        }
    }
}
