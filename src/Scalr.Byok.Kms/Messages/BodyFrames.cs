using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Encrypts and decrypts consecutive frames of a body, from bytes that may be in several pieces into one piece. Bytes of a frame that are
/// in one piece are not copied.
/// </summary>
internal static class BodyFrames
{
    /// <summary>The number of frames of a plaintext. The last frame is full if the plaintext divides evenly.</summary>
    public static long Count(long plaintextLength, int frameLength) => plaintextLength == 0 ? 1 : ((plaintextLength - 1) / frameLength) + 1;

    /// <summary>The length of encrypted frames.</summary>
    /// <param name="plaintextLength">The length of their plaintext.</param>
    /// <param name="frames">Their number.</param>
    /// <param name="endsMessage">Whether the last of them is the final frame.</param>
    public static long Length(long plaintextLength, long frames, bool endsMessage) =>
        plaintextLength + (frames * MessageFormat.RegularFrameOverhead)
        + (endsMessage ? MessageFormat.FinalFrameOverhead - MessageFormat.RegularFrameOverhead : 0);

    /// <summary>Encrypts a plaintext to frames.</summary>
    /// <param name="plaintext">The plaintext: whole frames unless <paramref name="endsMessage"/>.</param>
    /// <param name="destination">Receives the frames. Exactly <see cref="Length"/> bytes.</param>
    /// <param name="firstSequence">The sequence number of the first frame.</param>
    /// <param name="endsMessage">Whether the last frame is the final one.</param>
    /// <param name="frameLength">The plaintext bytes of each frame except the final one.</param>
    /// <param name="ciphers">The ciphers.</param>
    public static void Encrypt(
        ReadOnlySequence<byte> plaintext,
        Memory<byte> destination,
        uint firstSequence,
        bool endsMessage,
        int frameLength,
        FrameCiphers ciphers)
    {
        var frames = (int)Count(plaintext.Length, frameLength);
        Debug.Assert(destination.Length == Length(plaintext.Length, frames, endsMessage), "the frames fit exactly");
        if (ParallelFrames.Pay(plaintext.Length, frames, ciphers.MaxDegreeOfParallelism))
        {
            EncryptInParallel(plaintext, destination, firstSequence, frames, endsMessage, frameLength, ciphers);
        }
        else
        {
            EncryptEach(plaintext, destination.Span, firstSequence, frames, endsMessage, frameLength, ciphers.Main);
        }
    }

    /// <summary>Decrypts frames. Each one has the expected sequence number, and is whole.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="count">Their number.</param>
    /// <param name="firstSequence">The sequence number of the first frame.</param>
    /// <param name="format">The layout of the body.</param>
    /// <param name="plaintext">Receives the plaintext, and exactly that. The caller erases it if not all frames are authentic.</param>
    /// <param name="ciphers">The ciphers.</param>
    /// <returns>Whether all frames are authentic.</returns>
    public static bool TryDecrypt(
        ReadOnlySequence<byte> frames, int count, uint firstSequence, BodyFormat format, Memory<byte> plaintext, FrameCiphers ciphers) =>
        ParallelFrames.Pay(plaintext.Length, count, ciphers.MaxDegreeOfParallelism)
            ? TryDecryptInParallel(frames, count, firstSequence, format, plaintext, ciphers)
            : TryDecryptEach(frames, count, firstSequence, format, plaintext.Span, ciphers.Main);

    // A separate method, because the closure is allocated on entry of the method that contains it.
    private static void EncryptInParallel(
        ReadOnlySequence<byte> plaintext,
        Memory<byte> destination,
        uint firstSequence,
        int frames,
        bool endsMessage,
        int frameLength,
        FrameCiphers ciphers)
    {
        var regularLength = frameLength + MessageFormat.RegularFrameOverhead;
        ParallelFrames.Run(plaintext, frameLength, frames, frameLength, ciphers, (cipher, first, end, piece) => EncryptEach(
            piece,
            destination.Span[(int)(first * (long)regularLength)..],
            firstSequence + (uint)first,
            end - first,
            endsMessage && end == frames,
            frameLength,
            cipher));
    }

    private static void EncryptEach(
        ReadOnlySequence<byte> plaintext,
        Span<byte> destination,
        uint sequence,
        int frames,
        bool endsMessage,
        int frameLength,
        in MessageCipher cipher)
    {
        var regular = endsMessage ? frames - 1 : frames;
        for (var i = 0; i < regular; i++)
        {
            var content = Take(ref plaintext, frameLength, destination[MessageFormat.RegularContentOffset..]);
            destination = destination[Frame.WriteRegular(destination, sequence + (uint)i, content, cipher)..];
        }

        if (endsMessage)
        {
            var content = Take(ref plaintext, (int)plaintext.Length, destination[FrameHead.MaxLength..]);
            Frame.WriteFinal(destination, sequence + (uint)regular, content, cipher);
        }
    }

    private static bool TryDecryptInParallel(
        ReadOnlySequence<byte> frames, int count, uint firstSequence, BodyFormat format, Memory<byte> plaintext, FrameCiphers ciphers)
    {
        var forged = 0;
        ParallelFrames.Run(
            frames, format.RegularFrameLength, count, (int)format.FrameLength, ciphers, (cipher, first, end, piece) =>
            {
                // After one forged frame, all are rejected, so the other threads stop.
                if (Volatile.Read(ref forged) == 0
                    && !TryDecryptEach(
                        piece,
                        end - first,
                        firstSequence + (uint)first,
                        format,
                        plaintext.Span[(int)(first * (long)format.FrameLength)..],
                        cipher))
                {
                    Volatile.Write(ref forged, 1);
                }
            });
        return forged == 0;
    }

    private static bool TryDecryptEach(
        ReadOnlySequence<byte> frames, int count, uint sequence, BodyFormat format, Span<byte> plaintext, in MessageCipher cipher)
    {
        for (var i = 0; i < count; i++)
        {
            // A frame with another number or from another message fails: number, length and message id are authenticated with it.
            if (!TryDecryptNext(ref frames, sequence + (uint)i, format, plaintext, cipher, out var length))
            {
                return false;
            }

            plaintext = plaintext[length..];
        }

        return true;
    }

    private static bool TryDecryptNext(
        ref ReadOnlySequence<byte> frames,
        uint sequence,
        BodyFormat format,
        Span<byte> plaintext,
        in MessageCipher cipher,
        out int length)
    {
        if (!Frame.TryRead(frames.FirstSpan, sequence, format, out var frame))
        {
            return TryDecryptPieces(ref frames, sequence, format, plaintext, cipher, out length);
        }

        length = frame.Content.Length;
        frames = frames.Slice(frame.Length);
        return cipher.TryOpen(frame, plaintext[..length]);
    }

    /// <summary>Decrypts a frame that is in several pieces: copies its content to the place of the plaintext first.</summary>
    private static bool TryDecryptPieces(
        ref ReadOnlySequence<byte> frames,
        uint sequence,
        BodyFormat format,
        Span<byte> plaintext,
        in MessageCipher cipher,
        out int length)
    {
        length = 0;
        Span<byte> head = stackalloc byte[FrameHead.MaxLength];
        Span<byte> tag = stackalloc byte[MessageFormat.TagLength];
        if (!FrameHead.TryRead(Start(frames, head), sequence, format, out var found) || found.FrameLength > frames.Length)
        {
            return false;
        }

        length = (int)found.ContentLength;
        var content = plaintext[..length];
        frames = frames.Slice(found.Length);
        Move(ref frames, content);
        Move(ref frames, tag);
        return cipher.TryOpen(Frame.Of(found, sequence, head, content, tag), content);
    }

    /// <summary>Adds bytes in several pieces to a hash.</summary>
    public static void AppendData(this IncrementalHash hash, ReadOnlySequence<byte> bytes)
    {
        foreach (var piece in bytes)
        {
            hash.AppendData(piece.Span);
        }
    }

    /// <summary>Copies the first bytes: all of <paramref name="buffer"/>, or fewer if there are fewer.</summary>
    public static ReadOnlySpan<byte> Start(ReadOnlySequence<byte> bytes, Span<byte> buffer)
    {
        var start = bytes.Slice(0, Math.Min(buffer.Length, bytes.Length));
        start.CopyTo(buffer);
        return buffer[..(int)start.Length];
    }

    /// <summary>Takes the next bytes where they are. If they are in several pieces, copies them to where they will be encrypted.</summary>
    private static ReadOnlySpan<byte> Take(ref ReadOnlySequence<byte> rest, int length, Span<byte> place)
    {
        var first = rest.FirstSpan;
        if (first.Length >= length)
        {
            rest = rest.Slice(length);
            return first[..length];
        }

        place = place[..length];
        Move(ref rest, place);
        return place;
    }

    /// <summary>Copies the next bytes, with few passes over the pieces.</summary>
    private static void Move(ref ReadOnlySequence<byte> rest, Span<byte> place)
    {
        SequenceReader<byte> reader = new(rest);
        reader.TryCopyTo(place);
        reader.Advance(place.Length);
        rest = reader.UnreadSequence;
    }
}
