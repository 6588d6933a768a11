namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Goes along a body from frame to frame without a key, as its bytes come in: which frames there are, whether each is the one that
/// is due, where the body ends. What it finds is not authenticated; it only keeps lengths honest.
/// </summary>
internal struct BodyWalk(BodyFormat format)
{
    private uint _due = 1;
    private long _ahead;
    private bool _inLast;

    /// <summary>How much plaintext the frames seen so far have, by their heads.</summary>
    public long PlaintextLength { get; private set; }

    /// <summary>Whether the last frame has been seen to its end.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>Goes on through bytes that follow those gone through before.</summary>
    /// <returns>
    /// How many bytes the body has of them. Less than all, if the body ends before they do, or if the next head is not whole or not one
    /// that may stand there: give the rest again with more behind it, and with <see cref="FrameHead.MaxLength"/> bytes it is decided.
    /// </returns>
    public int Walk(ReadOnlySpan<byte> bytes)
    {
        int walked = 0;
        while (!AtEnd)
        {
            int step = (int)Math.Min(_ahead, bytes.Length - walked);
            walked += step;
            _ahead -= step;
            if (_ahead > 0)
            {
                break;
            }

            AtEnd = _inLast;
            if (AtEnd || !FrameHead.TryRead(bytes[walked..], _due, format, out FrameHead head))
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
