using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A message between pipes makes the source hold no more than it needs, whatever its header claims.</summary>
internal sealed class PipeLimitTests
{
    [Test]
    public async Task A_frame_that_claims_too_much_is_refused_before_it_arrives([Values] bool isFramed)
    {
        var writer = PlainWriter.Framed with { IsFramed = isFramed, FrameLength = 500_000 };
        var message = writer.Write(StreamSamples.Plaintext(400_000));
        StrictPipeReader source = new(message.Bytes, arrival: 1000);
        StrictPipeWriter sink = new();

        await Assert.ThatAsync(
            () => Piped.DecryptAsync(source, sink, Sample.Options with { MaxFrameLength = 399_999 }),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.FrameTooLong(399_999)));

        Assert.That(source.MostHeld, Is.LessThanOrEqualTo(2000));
        await Piped.DecryptAsync(
            new StrictPipeReader(message.Bytes, arrival: 1000), sink, Sample.Options with { MaxFrameLength = 400_000 });
        Assert.That(sink.Content.SequenceEqual(message.Plaintext));
    }

    [Test]
    public async Task A_frame_length_of_four_gigabytes_costs_nothing()
    {
        var message = (PlainWriter.Framed with { ClaimedFrameLength = uint.MaxValue, FrameLength = 1000 })
            .Write(StreamSamples.Plaintext(900));
        StrictPipeWriter sink = new();

        await Piped.DecryptAsync(new StrictPipeReader(message.Bytes, arrival: 10), sink, Sample.Options);

        Assert.That(sink.Content.SequenceEqual(message.Plaintext));
        Assert.That(sink.MostAsked, Is.EqualTo(900));
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(5000)]
    [TestCase(int.MaxValue)]
    public async Task A_header_of_the_longest_length_is_read_and_none_longer(int arrival)
    {
        var message = Sample.Message(template: Sample.Template(keys: 100));
        var length = MessageHeader.Read(message, MessageOptions.Unlimited).Length;
        var options = Sample.Options with { MaxEncryptedDataKeys = 100, MaxHeaderLength = length };
        StrictPipeWriter sink = new();

        await Piped.DecryptAsync(new StrictPipeReader(message, arrival), sink, options);

        Assert.That(sink.Content.ToArray(), Is.EqualTo(Sample.Plaintext));
        StrictPipeReader source = new(message, arrival);
        await Assert.ThatAsync(
            () => Piped.DecryptAsync(source, sink, options with { MaxHeaderLength = length - 1 }),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.HeaderTooLong(length - 1)));
        Assert.That((source.IsReading, source.BytesConsumed), Is.EqualTo((false, 0)));
    }

    [Test]
    public void A_header_in_pieces_is_read_in_memory_up_to_its_limit()
    {
        var message = Sample.Message(template: Sample.Template(keys: 100));
        var length = MessageHeader.Read(message, MessageOptions.Unlimited).Length;
        var options = Sample.Options with { MaxEncryptedDataKeys = 100, MaxHeaderLength = length };
        RecordedBuffer plaintext = new();

        Piped.Decrypt(Pieces.Of(message, 1), plaintext, options);

        Assert.That(plaintext.Written, Is.EqualTo(Sample.Plaintext));
        Assert.That(
            () => Piped.Decrypt(Pieces.Of(message, 1), plaintext, options with { MaxHeaderLength = length - 1 }),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.HeaderTooLong(length - 1)));
    }

    [Test]
    public async Task What_never_ends_is_not_held()
    {
        // Zeros after a whole message, and after a signed one: more than any footer.
        foreach (var writer in new[] { PlainWriter.Framed, PlainWriter.Signed })
        {
            var message = writer.Write(StreamSamples.Plaintext(40));
            StrictPipeReader source = new((byte[])[.. message.Bytes, .. new byte[3_000_000]], arrival: 1000, false);

            await Assert.ThatAsync(
                () => Piped.DecryptAsync(source, new StrictPipeWriter(), Sample.Options), Throws.TypeOf<ByokDecryptionException>());

            Assert.That(source.MostHeld, Is.LessThanOrEqualTo(70_000));
        }
    }
}
