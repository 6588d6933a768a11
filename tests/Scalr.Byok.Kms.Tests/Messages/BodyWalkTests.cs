using System.Buffers.Binary;
using CsCheck;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

[Category("Slow")]
public sealed class BodyWalkTests
{
    private const int RegularFrame = 4 + 12 + Sample.FrameLength + 16;

    private static readonly BodyFormat Framed = new(ContentType.Framed, Sample.FrameLength);
    private static readonly BodyFormat OneBlock = new(ContentType.NonFramed, 0);

    /// <summary>Bodies that are whole: content length, what it is, and how.</summary>
    private static IEnumerable<TestCaseData> Whole()
    {
        foreach (var length in new[] { 0, 1, 15, 16, 17, 32, 43, 500 })
        {
            yield return new TestCaseData(Framed, Body(new byte[length]), length).SetArgDisplayNames($"{length} bytes in frames");
            yield return new TestCaseData(
                OneBlock, Block((ulong)length, length), length).SetArgDisplayNames($"{length} bytes in one block");
        }

        byte[] emptyFinal = [.. Regular(1), .. Regular(2), .. Final(3, 0)];
        yield return new TestCaseData(Framed, emptyFinal, 32).SetArgDisplayNames("32 bytes and an empty final frame");
    }

    /// <summary>Bodies that go wrong: how, and how many bytes are gone through before it shows.</summary>
    private static IEnumerable<TestCaseData> Wrong()
    {
        yield return Case("that begins with frame 0", Framed, [.. Regular(0), .. Final(1, 5)], 0);
        yield return Case("that begins with frame 2", Framed, [.. Regular(2), .. Final(3, 5)], 0);
        yield return Case("with a gap", Framed, [.. Regular(1), .. Regular(3), .. Final(4, 5)], RegularFrame);
        yield return Case("with a frame twice", Framed, [.. Regular(1), .. Regular(1), .. Final(2, 5)], RegularFrame);
        yield return Case("whose final frame has the number before", Framed, [.. Regular(1), .. Final(1, 5)], RegularFrame);
        yield return Case("whose final frame has the number behind", Framed, [.. Regular(1), .. Final(3, 5)], RegularFrame);
        yield return Case("whose final frame has the marker for its number", Framed, Final(uint.MaxValue, 5), 0);
        yield return Case(
            "whose final marker is one less", Framed, [.. Regular(1), 0xff, 0xff, 0xff, 0xfe, .. Final(2, 5)[4..]], RegularFrame);
        yield return Case("whose final frame is longer than frames are", Framed, [.. Regular(1), .. Final(2, 17)], RegularFrame);
        yield return Case("whose final frame claims 4 GiB", Framed, Final(1, uint.MaxValue), 0);
        yield return Case("of one block of 2^36 - 31 bytes", OneBlock, Block((1UL << 36) - 31, 30), 0);
        yield return Case("of one block of 2^63 bytes", OneBlock, Block(1UL << 63, 30), 0);
        yield return Case("of one block of 2^64 - 1 bytes", OneBlock, Block(ulong.MaxValue, 30), 0);

        static TestCaseData Case(string what, BodyFormat format, byte[] body, int walked) =>
            new TestCaseData(format, body, walked).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(Whole))]
    public void Walk_ends_exactly_where_the_body_does(object format, byte[] body, int plaintextLength)
    {
        BodyWalk walk = new((BodyFormat)format);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(WalkInPieces(ref walk, body.AsSpan(0, body.Length - 1), 1), Is.EqualTo(body.Length - 1));
            Assert.That(walk.AtEnd, Is.False, "one byte is missing");
            Assert.That(walk.PlaintextLength, Is.EqualTo(plaintextLength));
            Assert.That(walk.Walk(body.AsSpan(body.Length - 1)), Is.EqualTo(1));
            Assert.That(walk.AtEnd);
            Assert.That(walk.Walk(body), Is.Zero, "nothing behind the end belongs to the body");

            walk = new((BodyFormat)format);
            Assert.That(walk.Walk([.. body, .. body]), Is.EqualTo(body.Length));
            Assert.That(walk.AtEnd);
            Assert.That(walk.PlaintextLength, Is.EqualTo(plaintextLength));
        }
    }

    [TestCaseSource(nameof(Wrong))]
    public void Walk_stops_before_a_head_that_may_not_stand_there_in_a_body(object format, byte[] body, int walked)
    {
        Assert.That(body, Has.Length.GreaterThanOrEqualTo(walked + FrameHead.MaxLength), "so much decides it");
        foreach (var piece in new[] { 1, FrameHead.MaxLength, body.Length })
        {
            BodyWalk walk = new((BodyFormat)format);

            Assert.That(WalkInPieces(ref walk, body, piece), Is.EqualTo(walked));
            Assert.That(walk.AtEnd, Is.False);
        }
    }

    [TestCase("regular", 16)]
    [TestCase("final", 24)]
    [TestCase("block", 20)]
    public void Walk_waits_for_a_whole_head(string kind, int headLength)
    {
        var frame = kind switch { "regular" => Regular(1), "final" => Final(1, 5), _ => Block(5, 5) };
        for (var there = 0; there < headLength; there++)
        {
            BodyWalk walk = new(kind == "block" ? OneBlock : Framed);

            Assert.That(walk.Walk(frame.AsSpan(0, there)), Is.Zero, $"{there} bytes of the head");
            Assert.That(walk.Walk(frame), Is.EqualTo(frame.Length), $"{there} bytes first");
        }
    }

    [Test]
    public void Walk_goes_through_frames_and_blocks_longer_than_memory()
    {
        var zeros = new byte[1 << 24];
        BodyWalk block = new(OneBlock);
        BodyWalk frames = new(new BodyFormat(ContentType.Framed, uint.MaxValue));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(block.Walk(Block((1UL << 36) - 32, 0)), Is.EqualTo(36));
            Assert.That(WalkThrough(ref block, zeros, (1L << 36) - 32 - 1), Is.True);
            Assert.That(block.AtEnd, Is.False);
            Assert.That(block.Walk(zeros), Is.EqualTo(1));
            Assert.That(block.AtEnd);
            Assert.That(block.PlaintextLength, Is.EqualTo((1L << 36) - 32));

            Assert.That(frames.Walk(Regular(1).AsSpan(0, 16)), Is.EqualTo(16));
            Assert.That(WalkThrough(ref frames, zeros, uint.MaxValue + 16L), Is.True);
            Assert.That(frames.Walk(Final(2, uint.MaxValue).AsSpan(0, 24)), Is.EqualTo(24));
            Assert.That(WalkThrough(ref frames, zeros, uint.MaxValue + 16L), Is.True);
            Assert.That(frames.AtEnd);
            Assert.That(frames.PlaintextLength, Is.EqualTo(2L * uint.MaxValue));
        }
    }

    [Test]
    public void Walk_goes_as_far_as_another_reader_would_whatever_the_bytes_and_the_pieces() =>
        Gen.Select(GenBody, Gen.Int[1, 60].Array[1, 10]).Sample(
            (body, pieces) =>
            {
                BodyWalk walk = new(body.Format);
                var next = 0;
                var walked = WalkInPieces(ref walk, body.Bytes, () => pieces[next++ % pieces.Length]);

                Assert.That((walked, walk.AtEnd), Is.EqualTo(Expected(body.Format, body.Bytes)));
            },
            iter: Repetitions.Of(50_000));

    // Bodies that are whole, some of them changed, cut or continued, and plain noise.
    private static Gen<(BodyFormat Format, byte[] Bytes)> GenBody { get; } = Gen.Select(
        Gen.Bool, Gen.UInt[1, 20], Gen.Int[0, 80], Gen.Byte.Array[0, 80], Gen.Int[0, 3],
        Gen.Select(Gen.UInt, Gen.OneOf(Gen.Byte, Gen.Const(byte.MaxValue), Gen.Const((byte)0))),
        (framed, frameLength, length, noise, kind, change) =>
        {
            var format = framed ? new(ContentType.Framed, frameLength) : OneBlock;
            var whole = framed ? Body(new byte[length], (int)frameLength) : Block((ulong)length, length);
            var at = (int)(change.Item1 % whole.Length);
            var bytes = kind switch
            {
                0 => [.. whole, .. noise],
                1 => whole[..at],
                2 => [.. whole[..at], change.Item2, .. whole[(at + 1)..], .. noise],
                _ => noise,
            };
            return (format, bytes);
        });

    /// <summary>How far a reader gets that has all the bytes before it and does one frame after the other.</summary>
    private static (int Walked, bool AtEnd) Expected(BodyFormat format, byte[] body)
    {
        var at = 0;
        for (uint due = 1; ; due++)
        {
            PlainReader reader = new(body[at..]);
            var there = body.Length - at;
            var framed = format.ContentType == ContentType.Framed;
            var last = !framed || (there >= 4 && reader.TakeNumber(4) == uint.MaxValue);
            var head = !framed ? 20 : last ? 24 : 16;
            if (there < head || (last && framed && reader.TakeNumber(4) != due)
                || (!last && BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at)) != due))
            {
                return (at, false);
            }

            var content = !framed ? BinaryPrimitives.ReadUInt64BigEndian(body.AsSpan(at + 12))
                : last ? BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at + 20))
                : format.FrameLength;
            if (content > (framed ? format.FrameLength : (1UL << 36) - 32))
            {
                return (at, false);
            }

            var frame = (ulong)head + content + 16;
            if (frame > (ulong)there || last)
            {
                return frame > (ulong)there ? (body.Length, false) : (at + (int)frame, true);
            }

            at += (int)frame;
        }
    }

    private static int WalkInPieces(ref BodyWalk walk, ReadOnlySpan<byte> body, int piece) => WalkInPieces(ref walk, body, () => piece);

    /// <summary>Gives piece after piece, with what was left over before it, as the walk asks for.</summary>
    private static int WalkInPieces(ref BodyWalk walk, ReadOnlySpan<byte> body, Func<int> nextPiece)
    {
        var walked = 0;
        var given = 0;
        while (given < body.Length)
        {
            given = Math.Min(given + nextPiece(), body.Length);
            var step = walk.Walk(body[walked..given]);
            Assert.That(step, Is.InRange(0, given - walked));
            walked += step;
        }

        return walked;
    }

    private static bool WalkThrough(ref BodyWalk walk, byte[] buffer, long length)
    {
        while (length > 0)
        {
            var step = (int)Math.Min(length, buffer.Length);
            if (walk.AtEnd || walk.Walk(buffer.AsSpan(0, step)) != step)
            {
                return false;
            }

            length -= step;
        }

        return true;
    }

    private static byte[] Body(byte[] plaintext, int frameLength = Sample.FrameLength)
    {
        var template = Sample.Template(frameLength: frameLength);
        return Sample.Message(plaintext, template)[template.HeaderLength..];
    }

    private static byte[] Regular(uint sequence) => [.. Number(sequence), .. new byte[12 + Sample.FrameLength + 16]];

    private static byte[] Final(uint sequence, uint length) =>
        [0xff, 0xff, 0xff, 0xff, .. Number(sequence), .. new byte[12], .. Number(length), .. new byte[Math.Min(length, 100) + 16]];

    private static byte[] Block(ulong claimed, int there) =>
        [.. new byte[12], .. Number((uint)(claimed >> 32)), .. Number((uint)(claimed & uint.MaxValue)), .. new byte[there + 16]];

    private static byte[] Number(uint value)
    {
        var number = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, value);
        return number;
    }
}
