using System.Buffers.Binary;
using CsCheck;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

public sealed class MessageReaderTests
{
    private const int RegularFrame = 4 + 12 + Sample.FrameLength + 16;

    private static readonly Gen<Dictionary<string, string>> GenPairs =
        Gen.Dictionary(
            Gen.String[Gen.OneOf(Gen.Char['a', 'z'], Gen.Char['\u0001', '\ud7ff'], Gen.Char['\ue000', '\uffff']), 0, 20],
            Gen.String[Gen.Char['\u0001', '\ud7ff'], 0, 20])[0, 8];

    [Test]
    public void Read_gives_back_what_was_written() =>
        Gen.Select(Gen.Byte.Array[0, 500], GenPairs, Gen.Int[1, 600], Gen.Int[1, 5]).Sample((plaintext, pairs, frameLength, keys) =>
        {
            var message = Sample.Message(plaintext, Sample.Template(pairs, frameLength, keys));
            var header = MessageHeader.Read(message, Sample.Options);
            using var dataKey = Sample.OpenDataKey();

            Assert.That(MessageReader.Read(header, new(message), dataKey), Is.EqualTo(plaintext));
            Assert.That(header.EncryptionContext.Pairs, Is.EquivalentTo(pairs));
            Assert.That(header.EncryptedDataKeys, Is.EqualTo(Enumerable.Repeat(Sample.WrappedKey, keys)));
            Assert.That(header.Body, Is.EqualTo(new BodyFormat(ContentType.Framed, (uint)frameLength)));
            Assert.That(header.Suite, Is.SameAs(AlgorithmSuite.Committing));
        });

    [TestCase(1 << 20, 4096)]
    [TestCase(1 << 20, 65536)]
    [TestCase((1 << 20) + 1, 1 << 20)]
    [TestCase(100, int.MaxValue)]
    public void Read_gives_back_large_plaintexts_and_frames(int plaintextLength, int frameLength)
    {
        var plaintext = Sample.Bytes(plaintextLength, first: 1);

        Assert.That(Sample.Read(Sample.Message(plaintext, Sample.Template(frameLength: frameLength))), Is.EqualTo(plaintext));
    }

    [Test]
    public void Read_refuses_a_message_with_any_bit_changed()
    {
        var message = Sample.Message();
        using (Assert.EnterMultipleScope())
        {
            for (var i = 0; i < message.Length; i++)
            {
                for (var bit = 0; bit < 8; bit++)
                {
                    message[i] ^= (byte)(1 << bit);
                    AssertRefused(message, $"byte {i}, bit {bit}");
                    message[i] ^= (byte)(1 << bit);
                }
            }
        }

        Assert.That(Sample.Read(message), Is.EqualTo(Sample.Plaintext), "unchanged again");
    }

    [Test]
    public void Read_refuses_a_message_cut_anywhere()
    {
        var message = Sample.Message();
        using (Assert.EnterMultipleScope())
        {
            for (var length = 0; length < message.Length; length++)
            {
                AssertRefused(message[..length], $"cut to {length}");
            }
        }
    }

    [Test]
    public void Read_refuses_a_message_with_anything_behind_it()
    {
        var message = Sample.Message();
        using (Assert.EnterMultipleScope())
        {
            for (var added = 0; added <= byte.MaxValue; added++)
            {
                AssertRefused([.. message, (byte)added], $"with {added} behind it");
            }

            AssertRefused([.. message, .. message], "twice");
        }
    }

    [Test]
    public void Read_refuses_frames_in_another_order_or_number()
    {
        var message = Sample.Message();
        var body = Sample.Template().HeaderLength;
        var header = message[..body];
        var first = message[body..(body + RegularFrame)];
        var second = message[(body + RegularFrame)..(body + (2 * RegularFrame))];
        var last = message[(body + (2 * RegularFrame))..];

        using (Assert.EnterMultipleScope())
        {
            AssertRefused([.. header, .. second, .. first, .. last], "exchanged");
            AssertRefused([.. header, .. Numbered(second, 1), .. Numbered(first, 2), .. last], "exchanged and numbered in order");
            AssertRefused([.. header, .. first, .. last], "one left out");
            AssertRefused([.. header, .. first, .. first, .. second, .. last], "one repeated");
            AssertRefused([.. header, .. first, .. second], "the last left out");
            AssertRefused([.. header, .. first, .. second, .. last, .. last], "the last repeated");
            AssertRefused(header, "all left out");
            Assert.That(Sample.Read((byte[])[.. header, .. first, .. second, .. last]), Is.EqualTo(Sample.Plaintext));
        }

        static byte[] Numbered(byte[] frame, uint sequence)
        {
            byte[] numbered = [.. frame];
            BinaryPrimitives.WriteUInt32BigEndian(numbered, sequence);
            return numbered;
        }
    }

    [Test]
    public void Read_refuses_a_final_frame_longer_than_the_frame_length()
    {
        // No frame says how long frames are, so the body of the one message is authentic behind the header of the other.
        var shortFrames = Sample.Template(frameLength: 16);
        var longFrames = Sample.Template(frameLength: 64);
        var header = Sample.Message(template: shortFrames)[..shortFrames.HeaderLength];
        var body = Sample.Message(template: longFrames)[longFrames.HeaderLength..];

        AssertRefused([.. header, .. body], "44 bytes in a frame of 16");
    }

    [Test]
    public void Read_refuses_a_frame_of_another_message_under_the_same_data_key()
    {
        var template = Sample.Template();
        using var dataKey = Sample.OpenDataKey();
        var one = MessageWriter.Write(template, dataKey, Sample.Plaintext, Sample.Options);
        var other = MessageWriter.Write(template, dataKey, Sample.Plaintext, Sample.Options);

        AssertRefused([.. one[..template.HeaderLength], .. other[template.HeaderLength..]], "body of another message");
    }

    [Test]
    public void Read_says_the_same_whatever_failed_once_a_key_was_involved()
    {
        var message = Sample.Message();
        var header = Sample.Template().HeaderLength;
        using var wrongKey = DataKey.CopyFrom(new byte[DataKey.Length]);

        string[] complaints =
        [
            Complaint(() => Sample.Read(message, wrongKey)),
            Complaint(() => Sample.Read(Flipped(header - 17))), // commitment
            Complaint(() => Sample.Read(Flipped(header - 1))), // header tag
            Complaint(() => Sample.Read(Flipped(5))), // message id
            Complaint(() => Sample.Read(Flipped(header))), // sequence number
            Complaint(() => Sample.Read(Flipped(header + 20))), // content
            Complaint(() => Sample.Read(Flipped(message.Length - 1))), // tag
            Complaint(() => Sample.Read(message.AsMemory()[..^1])),
            Complaint(() => Sample.Read((byte[])[.. message, 0])),
        ];

        Assert.That(complaints.Distinct(), Is.EqualTo(new[] { new ByokDecryptionException().Message }));

        byte[] Flipped(int offset)
        {
            byte[] changed = [.. message];
            changed[offset] ^= 1;
            return changed;
        }

        static string Complaint(Action read)
        {
            var refusal = Assert.Throws<ByokDecryptionException>(read)!;
            Assert.That(refusal.InnerException, Is.Null);
            Assert.That(refusal.IsTransient, Is.False);
            return refusal.Message;
        }
    }

    [Test]
    public void Read_refuses_an_erased_data_key()
    {
        var message = Sample.Message();
        var dataKey = Sample.OpenDataKey();
        dataKey.Dispose();

        Assert.That(() => Sample.Read(message, dataKey), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Read_allocates_no_more_than_the_message_backs()
    {
        // The final frame claims 4 GiB less one byte under a frame length to match; both are authentic as far as the header goes.
        var message = Sample.Message(template: Sample.Template(frameLength: int.MaxValue));
        var contentLength = message.Length - Sample.Plaintext.Length - 16 - 4;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(contentLength), int.MaxValue);
        AssertRefused(message, "warms up");

        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(message, "claims more than there is");
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    [Test]
    public void Read_throws_nothing_else_on_random_bytes() =>
        Gen.Byte.Array[0, 400].Sample(bytes => AssertRefused(bytes, "random"), iter: Repetitions.Of(20_000));

    [Test]
    [Category("Slow")]
    public void Read_throws_nothing_else_on_random_bytes_behind_a_right_start() =>
        Gen.Select(Gen.Int[3, 250], Gen.Byte.Array[0, 400]).Sample(
            (kept, bytes) =>
            {
                var start = Sample.Message()[..kept];
                AssertRefused([.. start, .. bytes], "random tail");
            },
            iter: Repetitions.Of(20_000));

    [Test]
    public void Read_throws_nothing_else_on_changed_headers()
    {
        var message = Sample.Message(template: Sample.Template(keys: 3));
        Gen.Select(Gen.Int[0, message.Length - 1], Gen.Byte, Gen.Int[0, message.Length - 1], Gen.Byte, Gen.Int[0, message.Length]).Sample(
            (firstAt, first, secondAt, second, length) =>
            {
                byte[] changed = [.. message];
                changed[firstAt] = first;
                changed[secondAt] = second;
                changed = changed[..length];
                if (!changed.AsSpan().SequenceEqual(message))
                {
                    AssertRefused(changed, "changed");
                }
            },
            iter: Repetitions.Of(20_000));
    }

    private static void AssertRefused(byte[] message, string what) =>
        Assert.That(() => Sample.Read(message), Throws.TypeOf<ByokDecryptionException>(), what);
}
