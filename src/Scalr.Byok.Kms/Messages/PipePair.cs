using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The two pipes of a call, which the caller completes. Frames are processed in batches, straight from the memory of the one pipe to the
/// memory of the other.
/// </summary>
/// <param name="source">The pipe to read from.</param>
/// <param name="destination">The pipe to write to.</param>
internal sealed class PipePair(PipeReader source, PipeWriter destination)
{
    private const int BatchLength = 512 * 1024;

    // With several threads: longer, so that they rarely wait for each other at the end of a batch.
    private const int PerThread = 4 * BatchLength;
    private const int MaxBatchLength = 16 * BatchLength;

    private MessageHeader? _header;

    private long _consumed;

    // From the start of the pipe: how far it may have been examined. ReadAtLeastAsync of some pipes examines all bytes that are too few.
    private long _examined;

    /// <summary>Whether the call cannot be repeated: something was written.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>How many frames of this length are processed at a time, if they are there: at least one.</summary>
    public static int BatchFrames(long regularFrameLength, int maxDegreeOfParallelism)
    {
        var length = maxDegreeOfParallelism == 1 ? BatchLength : Math.Min((long)maxDegreeOfParallelism * PerThread, MaxBatchLength);
        return (int)Math.Max(1, length / regularFrameLength);
    }

    /// <summary>Puts a pipe between source and destination. Returns the pairs before and behind it.</summary>
    public (PipePair First, PipePair Second) Through(Pipe pipe)
    {
        // What the pipe between has taken is not in the source any more.
        IsUsed = true;
        return (new(source, pipe.Writer) { _consumed = _consumed, _examined = _examined }, new(pipe.Reader, destination));
    }

    /// <summary>Runs one direction of the work to its end. After it returns, nothing uses the pipes.</summary>
    /// <param name="cipher">The cipher, which a denial erases at once.</param>
    /// <param name="use">Decides whether the data key may be used.</param>
    /// <param name="work">The work. Its argument is the token for the pipes.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public static async Task RunAsync(
        PipeCipher cipher, IStreamUse use, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, use.Stopped);
        Exception? failure = null;

        // The end of this block waits for a callback under way.
        using (use.Stopped.Register(static cipher => ((PipeCipher)cipher!).Dispose(), cipher))
        {
            try
            {
                await work(stop.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                failure = e;
            }
        }

        // A stopped call fails by its token or by the erased key. The denial says why. Without a failure, all was written before it
        // arrived.
        if (failure is not null && use.End is { } end)
        {
            throw end;
        }

        // With the caller's token instead of the linked one.
        if (failure is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Reads the header and consumes it. A second call returns the same header.</summary>
    /// <exception cref="ByokDecryptionException">There is no header, or it is of an unsupported kind.</exception>
    public async ValueTask<MessageHeader> ReadHeaderAsync(MessageOptions options, CancellationToken cancellationToken)
    {
        var asked = 1;
        while (_header is null)
        {
            var read = await ReadAsync(asked, options, cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            var consumed = buffer.Start;
            try
            {
                // A copy, because the header outlives the pipe's memory. At most as long as what has arrived, and never longer than needed:
                // the length doubles, so that a header that arrives byte by byte is not parsed once per byte.
                var length = (int)Math.Min(buffer.Length, Math.Min(Math.Max(2L * asked, 4096), options.MaxHeaderLength + 1L));
                var start = buffer.Slice(0, length).ToArray();
                if (MessageHeader.TryRead(start, options, out var header, out var complaint))
                {
                    _header = header;
                    consumed = buffer.GetPosition(header.Length);
                }
                else if (complaint != HeaderErrors.TooShort || (read.IsCompleted && length == buffer.Length))
                {
                    throw new ByokDecryptionException(complaint);
                }
                else
                {
                    asked = (int)Math.Min(length + 1L + (length / 2), options.MaxHeaderLength + 1L);
                }
            }
            finally
            {
                Consume(buffer, consumed);
            }
        }

        return _header;
    }

    /// <summary>Waits for this many bytes, or for the end. The caller consumes what it was given, or nothing.</summary>
    /// <exception cref="ByokDecryptionException">The message exceeds the limit.</exception>
    /// <exception cref="OperationCanceledException">The read was cancelled.</exception>
    public async ValueTask<ReadResult> ReadAsync(long length, MessageOptions? limits, CancellationToken cancellationToken)
    {
        var asked = (int)Math.Min(length, int.MaxValue);
        _examined = Math.Max(_examined, _consumed + asked - 1);
        var read = await source.ReadAtLeastAsync(asked, cancellationToken).ConfigureAwait(false);
        if (read.IsCanceled)
        {
            Consume(read.Buffer, read.Buffer.Start);
            throw new OperationCanceledException("The pending read of the pipe was cancelled.");
        }

        if (limits is not null && _consumed + read.Buffer.Length > limits.MaxMessageLength)
        {
            Consume(read.Buffer, read.Buffer.Start);
            throw new ByokDecryptionException(HeaderErrors.MessageTooLong(limits.MaxMessageLength));
        }

        return read;
    }

    /// <summary>Ends a read.</summary>
    /// <param name="buffer">What was read.</param>
    /// <param name="consumed">The end of what is used up. The start of the buffer if nothing is: then the pipe keeps all of it.</param>
    public void Consume(ReadOnlySequence<byte> buffer, SequencePosition consumed)
    {
        var length = buffer.Slice(0, consumed).Length;

        // A pipe must not go back behind what was examined. Not further either: then the next read would wait, although bytes are there.
        var examined = Math.Max(length, Math.Min(_examined - _consumed, buffer.Length));
        _consumed += length;
        source.AdvanceTo(consumed, buffer.GetPosition(examined - length, consumed));
    }

    /// <summary>Memory for a result. What is written to it counts after <see cref="Advance"/> only.</summary>
    public Memory<byte> GetMemory(int length) => destination.GetMemory(length)[..length];

    /// <summary>Passes the result to the pipe.</summary>
    public void Advance(int length)
    {
        IsUsed = true;
        destination.Advance(length);
    }

    /// <summary>Makes the result available to the other side, and waits as long as that side has too much.</summary>
    /// <param name="isLast">Whether nothing follows. Then it does not matter whether the other side would read more.</param>
    /// <param name="cancellationToken">The token.</param>
    /// <exception cref="IOException">The other side reads no more.</exception>
    /// <exception cref="OperationCanceledException">The flush was cancelled.</exception>
    public async ValueTask FlushAsync(bool isLast, CancellationToken cancellationToken)
    {
        var flush = await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (flush.IsCanceled)
        {
            throw new OperationCanceledException("The pending flush of the pipe was cancelled.");
        }

        if (flush.IsCompleted && !isLast)
        {
            throw new IOException("The reader of the destination pipe has completed. The rest was not written.");
        }
    }
}
