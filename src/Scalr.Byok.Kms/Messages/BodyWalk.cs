using System.Buffers;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Follows a body from frame to frame without a key, as its bytes arrive: the frames, whether each has the expected number, and the end of
/// the body. The result is not authenticated. It only checks lengths.
/// </summary>
internal struct BodyWalk(BodyFormat format)
{
    private uint _due = 1;
    private long _ahead;
    private bool _inLast;

    /// <summary>The plaintext bytes of the frames so far, by their heads.</summary>
    public long PlaintextLength { get; private set; }

    /// <summary>Whether the last frame has been followed to its end.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>Continues with bytes in several pieces.</summary>
    /// <inheritdoc cref="Walk(ReadOnlySpan{byte})"/>
    public long Walk(ReadOnlySequence<byte> bytes)
    {
        var rest = bytes;
        Span<byte> head = stackalloc byte[FrameHead.MaxLength];
        while (!AtEnd)
        {
            // A head may begin at the end of one piece and continue in the next.
            var step = Walk(rest.FirstSpan);
            step = step == 0 ? Walk(BodyFrames.Start(rest, head)) : step;
            if (step == 0)
            {
                break;
            }

            rest = rest.Slice(step);
        }

        return bytes.Length - rest.Length;
    }

    /// <summary>Continues with the bytes after those of the last call.</summary>
    /// <returns>
    /// How many of the bytes belong to the body. Fewer than all if the body ends before them, or if the next head is incomplete or invalid:
    /// pass the rest again with more bytes. With <see cref="FrameHead.MaxLength"/> bytes it is decided.
    /// </returns>
    public int Walk(ReadOnlySpan<byte> bytes)
    {
        var walked = 0;
        while (!AtEnd)
        {
            var step = (int)Math.Min(_ahead, bytes.Length - walked);
            walked += step;
            _ahead -= step;
            if (_ahead > 0)
            {
                break;
            }

            AtEnd = _inLast;
            if (AtEnd || !FrameHead.TryRead(bytes[walked..], _due, format, out var head))
            {
                break;
            }

            _ahead = head.FrameLength;
            _inLast = head.Kind != FrameKind.Regular;
            PlaintextLength += head.ContentLength;
            _due = _inLast ? _due : _due + 1;
        }

        return walked;
    }
}
