using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

public sealed class MessageWriterTests
{
    [Test]
    public void Write_lays_out_every_field_as_the_format_says()
    {
        var message = Sample.Message();
        PlainReader reader = new(message);
        var contentKey = PlainReader.ContentKey(Sample.DataKeyBytes, Sample.MessageId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(reader.TakeHex(1), Is.EqualTo("02"), "version");
            Assert.That(reader.TakeHex(2), Is.EqualTo("0478"), "algorithm suite");
            Assert.That(reader.Take(32), Is.EqualTo(Sample.MessageId), "message id");

            Assert.That(reader.TakeNumber(2), Is.EqualTo(2 + 2 + 7 + 2 + 7 + 2 + 6 + 2 + 4), "length of the context");
            Assert.That(reader.TakeNumber(2), Is.EqualTo(2), "pairs");
            Assert.That(reader.TakeNumber(2), Is.EqualTo(7));
            Assert.That(reader.TakeText(7), Is.EqualTo("purpose"), "sorted by key");
            Assert.That(reader.TakeNumber(2), Is.EqualTo(7));
            Assert.That(reader.TakeText(7), Is.EqualTo("example"));
            Assert.That(reader.TakeNumber(2), Is.EqualTo(6));
            Assert.That(reader.TakeText(6), Is.EqualTo("tenant"));
            Assert.That(reader.TakeNumber(2), Is.EqualTo(4));
            Assert.That(reader.TakeText(4), Is.EqualTo("acme"));

            Assert.That(reader.TakeNumber(2), Is.EqualTo(1), "encrypted data keys");
            Assert.That(reader.TakeNumber(2), Is.EqualTo(7));
            Assert.That(reader.TakeText(7), Is.EqualTo("aws-kms"), "provider id");
            Assert.That(reader.TakeNumber(2), Is.EqualTo(44));
            Assert.That(reader.TakeText(44), Is.EqualTo("arn:aws:kms:us-east-1:111122223333:key/mrk-1"), "provider info");
            Assert.That(reader.TakeNumber(2), Is.EqualTo(60));
            Assert.That(reader.Take(60), Is.EqualTo(Sample.WrappedKey.Ciphertext.ToArray()), "ciphertext");

            Assert.That(reader.TakeHex(1), Is.EqualTo("02"), "content type");
            Assert.That(reader.TakeNumber(4), Is.EqualTo(16), "frame length");
            Assert.That(reader.Take(32), Is.EqualTo(PlainReader.Commitment(Sample.DataKeyBytes, Sample.MessageId)), "commitment");

            var header = message[..reader.Position];
            Assert.That(PlainReader.Open(contentKey, new byte[12], [], reader.Take(16), header), Is.Empty, "header tag");

            for (uint sequence = 1; sequence <= 2; sequence++)
            {
                Assert.That(reader.TakeNumber(4), Is.EqualTo(sequence), "sequence number");
                var iv = reader.Take(12);
                Assert.That(iv, Is.EqualTo(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)sequence }), "IV");
                var associatedData = PlainReader.FrameData(Sample.MessageId, "Frame", sequence, 16);
                var plaintext = PlainReader.Open(contentKey, iv, reader.Take(16), reader.Take(16), associatedData);
                Assert.That(plaintext, Is.EqualTo(Sample.Plaintext[(16 * ((int)sequence - 1))..(16 * (int)sequence)]));
            }

            Assert.That(reader.TakeHex(4), Is.EqualTo("ffffffff"), "final frame marker");
            Assert.That(reader.TakeNumber(4), Is.EqualTo(3), "sequence number");
            var lastIV = reader.Take(12);
            Assert.That(lastIV, Is.EqualTo(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3 }), "IV");
            Assert.That(reader.TakeNumber(4), Is.EqualTo(12), "content length");
            var rest = PlainReader.Open(
                contentKey, lastIV, reader.Take(12), reader.Take(16), PlainReader.FrameData(Sample.MessageId, "Final Frame", 3, 12));
            Assert.That(rest, Is.EqualTo(Sample.Plaintext[32..]));
            Assert.That(reader.AtEnd, "nothing follows");
        }
    }

    [Test]
    public void Write_gives_an_empty_context_two_bytes()
    {
        var message = Sample.Message(template: Sample.Template(pairs: new Dictionary<string, string>()));

        Assert.That(message[35..39], Is.EqualTo(new byte[] { 0, 0, 0, 1 }), "length of the context, count of the encrypted data keys");
    }

    // Frames other than the last: a plaintext that divides evenly ends with a whole final frame.
    [TestCase(0, 0)]
    [TestCase(1, 0)]
    [TestCase(15, 0)]
    [TestCase(16, 0)]
    [TestCase(17, 1)]
    [TestCase(32, 1)]
    [TestCase(33, 2)]
    public void MessageLength_counts_header_frames_and_content(int plaintextLength, int regularFrames)
    {
        var template = Sample.Template();

        Assert.That(
            MessageWriter.MessageLength(template, plaintextLength),
            Is.EqualTo(template.HeaderLength + (32 * regularFrames) + plaintextLength + 40));
    }

    [TestCase(int.MaxValue, 4096)]
    [TestCase(100_000_000, 1)]
    public void MessageLength_refuses_what_does_not_fit_into_an_array(int plaintextLength, int frameLength)
    {
        var template = Sample.Template(frameLength: frameLength);

        Assert.That(() => MessageWriter.MessageLength(template, plaintextLength), Throws.ArgumentException);
    }

    [Test]
    public void Write_gives_every_message_an_id_of_its_own()
    {
        var template = Sample.Template();
        using var dataKey = Sample.OpenDataKey();

        HashSet<string> ids = [];
        for (var i = 0; i < 100; i++)
        {
            ids.Add(Convert.ToHexString(MessageWriter.Write(template, dataKey, Sample.Plaintext, Sample.Options).AsSpan(3, 32)));
        }

        Assert.That(ids, Has.Count.EqualTo(100));
    }

    [Test]
    public void Write_refuses_an_erased_data_key()
    {
        var dataKey = Sample.OpenDataKey();
        dataKey.Dispose();

        Assert.That(
            () => MessageWriter.Write(Sample.Template(), dataKey, Sample.Plaintext, Sample.Options),
            Throws.InstanceOf<ObjectDisposedException>());
    }

    [TestCase(0)]
    [TestCase(-1)]
    public void Template_refuses_a_frame_length_below_one(int frameLength) =>
        Assert.That(() => Sample.Template(frameLength: frameLength), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [TestCase(0)]
    [TestCase(65_536)]
    public void Template_refuses_more_or_fewer_keys_than_the_header_can_count(int keys) =>
        Assert.That(() => Sample.Template(keys: keys), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Template_refuses_an_encrypted_data_key_with_an_empty_or_oversized_part([Values(0, 65_536)] int length)
    {
        var part = new byte[length];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => Template(Sample.WrappedKey with { ProviderInfo = part }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => Template(Sample.WrappedKey with { Ciphertext = part }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => Template(Sample.WrappedKey with { ProviderId = new string('a', length) }),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
        }

        static MessageTemplate Template(EncryptedDataKey key) => new(EncryptionContext.Empty, [key], 4096);
    }

    [Test]
    public void Write_allocates_the_message_and_the_cipher_and_nothing_else()
    {
        const int rounds = 100;
        var template = Sample.Template(frameLength: 4096);
        using var dataKey = Sample.OpenDataKey();
        var plaintext = new byte[1024];
        var length = MessageWriter.MessageLength(template, plaintext.Length);

        var needed = Allocated(() =>
        {
            GC.KeepAlive(GC.AllocateUninitializedArray<byte>(length));
            using AesGcm aes = new(Sample.DataKeyBytes, 16);
            GC.KeepAlive(aes);
        });
        var taken = Allocated(() => GC.KeepAlive(MessageWriter.Write(template, dataKey, plaintext, Sample.Options)));

        Assert.That(taken, Is.LessThanOrEqualTo(needed));

        // The closures are made before the count begins; the first round warms up. The least of several, since the runtime allocates now
        // and then for itself.
        static long Allocated(Action action)
        {
            action();
            var least = long.MaxValue;
            for (var run = 0; run < 5; run++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < rounds; i++)
                {
                    action();
                }

                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            return least;
        }
    }
}
