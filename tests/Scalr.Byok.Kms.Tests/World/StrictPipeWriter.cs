using System.Buffers;
using System.IO.Pipelines;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// The writing end of a pipe that keeps what it gets, and fails the test if its user breaks the contract: advances further than the memory
/// that it got, flushes twice at once, or completes the pipe.
/// </summary>
internal sealed class StrictPipeWriter : PipeWriter
{
    private const byte Untouched = 0xCC;
    private const int Extra = 100;

    private readonly ArrayBufferWriter<byte> _content = new();
    private readonly bool _later;
    private byte[] _room = [];
    private Memory<byte> _memory;
    private int _asked;
    private long _written;
    private bool _isAsExpected = true;
    private int _flushes;

    /// <param name="later">Whether flushes complete later, on another thread.</param>
    public StrictPipeWriter(bool later = false) => _later = later;

    /// <summary>What was advanced over.</summary>
    public ReadOnlySpan<byte> Content => _content.WrittenSpan;

    /// <summary>What is to be written, so that it need not be kept.</summary>
    public ReadOnlyMemory<byte>? Expected { get; init; }

    /// <summary>Whether all of <see cref="Expected"/> was written, and nothing else.</summary>
    public bool IsAsExpected => _isAsExpected && _written == Expected?.Length;

    public long BytesWritten => _written;

    /// <summary>How much was written before each flush.</summary>
    public List<long> Flushes { get; } = [];

    /// <summary>The memory that was asked for last, and not advanced over.</summary>
    public ReadOnlySpan<byte> Unused => _memory.Span[.._asked];

    /// <summary>The most memory that was asked for at a time.</summary>
    public int MostAsked { get; private set; }

    /// <summary>Whether nothing was written beyond the memory that was asked for.</summary>
    public bool IsRestUntouched { get; private set; } = true;

    /// <summary>What happens at the flushes, by their number from 1 on.</summary>
    public Func<int, CancellationToken, ValueTask<FlushResult>> OnFlush { get; set; } = (_, _) => default;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Look();
        MostAsked = Math.Max(MostAsked, sizeHint);
        _asked = sizeHint;
        _room = _room.Length < sizeHint + Extra ? new byte[sizeHint + Extra] : _room;
        _memory = _room.AsMemory(0, sizeHint + Extra);
        _memory.Span.Fill(Untouched);
        return _memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        Assert.That(bytes, Is.InRange(0, _asked), "advanced beyond the memory");
        Look();
        var written = _memory.Span[..bytes];
        if (Expected is { } expected)
        {
            _isAsExpected = _isAsExpected && expected.Span[(int)_written..].StartsWith(written);
        }
        else
        {
            _content.Write(written);
        }

        _written += bytes;
        (_memory, _asked) = (default, 0);
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Look();
        if (_later)
        {
            await Task.Yield();
        }

        cancellationToken.ThrowIfCancellationRequested();
        Flushes.Add(_written);
        return await OnFlush(++_flushes, cancellationToken);
    }

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null) => Assert.Fail("completed by its user");

    private void Look() => IsRestUntouched &= !_memory.Span[_asked..].ContainsAnyExcept(Untouched);
}
