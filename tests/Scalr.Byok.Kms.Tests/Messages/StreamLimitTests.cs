using System.Security.Cryptography;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Where a stream is given up: at the limits, to the byte, and soon after them if there is no end.</summary>
[TestFixture(1)]
[TestFixture(5)]
internal sealed class StreamLimitTests
{
    private const int SegmentLength = 512 * 1024;

    // The least of what the options allow, or next to it.
    private readonly MessageOptions _options;

    public StreamLimitTests(int degree) => _options = Streamed.Options(degree) with
    {
        FrameLength = 4096,
        MaxMessageLength = 4 << 20,
        MaxHeaderLength = 100_000,
        MaxEncryptedDataKeys = 65_535,
        MaxFrameLength = 65_536,
    };

    private static IEnumerable<TestCaseData> Endless()
    {
        var zeros = new byte[5000];
        var garbage = RandomNumberGenerator.GetBytes(5000);
        garbage[0] = 3;
        var framed = (PlainWriter.Framed with { FrameLength = 65_536 }).Write(Sample.Plaintext);
        var block = PlainWriter.Layouts[1].Write(Sample.Plaintext);
        var signed = (PlainWriter.Signed with { FrameLength = 65_536 }).Write(Sample.Plaintext);
        byte[] start = [2, 4, 0x78, .. new byte[32]];

        yield return Case("zeros", EndlessStream.After([], zeros), HeaderErrors.NotAMessage, 5000);
        yield return Case("garbage", EndlessStream.After([], garbage), HeaderErrors.NotAMessage, 5000);
        yield return Case("base64", EndlessStream.After("AgR4"u8.ToArray(), "AAAA"u8.ToArray()), HeaderErrors.Base64, 5000);
        yield return Case(
            "a header of encrypted data keys",
            EndlessStream.After([.. start, 0, 0, 0xff, 0xff], new byte[6]),
            HeaderErrors.HeaderTooLong(100_000),
            100_001);
        yield return Case(
            "a header of one long key",
            EndlessStream.After([.. start, 0, 0, 0xff, 0xff], [0xff, 0xff, .. new byte[65_535]]),
            HeaderErrors.HeaderTooLong(100_000),
            100_001);
        yield return Case("zeros behind a header", EndlessStream.After(framed.Header, zeros), null, SegmentLength + 5000);
        yield return Case("garbage behind a header", EndlessStream.After(framed.Header, garbage), null, SegmentLength + 5000);
        yield return Case("a first frame over and over", EndlessStream.After(framed.Header, Frame(1)), null, SegmentLength + 70_000);
        yield return Case("valid frames", ValidFrames(framed.Header), HeaderErrors.MessageTooLong(4 << 20), (4 << 20) + SegmentLength);
        yield return Case("zeros behind a message", EndlessStream.After(framed.Bytes, zeros), null, SegmentLength + 5000);
        yield return Case("zeros behind a block", EndlessStream.After(block.Bytes, zeros), null, SegmentLength + 5000);
        yield return Case(
            "a block",
            EndlessStream.After([.. block.Header, .. new byte[12], 0, 0, 0, 9, 0, 0, 0, 0], zeros),
            HeaderErrors.FrameTooLong(65_536),
            75_000);
        yield return Case("zeros behind a signature", EndlessStream.After(signed.Bytes, zeros), null, SegmentLength + 65_538 + 5000);

        static TestCaseData Case(string what, IEnumerable<byte[]> parts, string? complaint, int mostRead) =>
            new TestCaseData(parts, complaint ?? new ByokDecryptionException().Message, mostRead).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(Endless))]
    public async Task Decrypt_stops_reading_what_never_ends(IEnumerable<byte[]> parts, string complaint, int mostRead)
    {
        using EndlessStream source = new(parts);
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(source, sink, _options), Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(complaint));

        Assert.That(source.BytesRead, Is.LessThanOrEqualTo(mostRead));
        Assert.That(sink.Content.Length % 65_536, Is.Zero, "whole frames");
    }

    [Test]
    public async Task Encrypt_stops_reading_what_never_ends()
    {
        using EndlessStream source = new(EndlessStream.After([], new byte[5000]));
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.EncryptAsync(source, sink, _options),
            Throws.ArgumentException.With.Message.StartsWith(
                "The message would be longer than the 4194304 bytes that MaxMessageLength allows.")
                .And.Property(nameof(ArgumentException.ParamName)).EqualTo("plaintext"));

        Assert.That(source.BytesRead, Is.LessThanOrEqualTo((4 << 20) + SegmentLength));
        Assert.That(sink.Content.Length, Is.GreaterThan(0).And.LessThanOrEqualTo(4 << 20));
        Assert.That(sink.Flushes, Is.Empty);
    }

    [TestCase(100)]
    [TestCase(4096)]
    [TestCase(1_000_000)]
    public async Task Run_takes_a_message_of_the_longest_length_and_none_longer(int length)
    {
        var plaintext = StreamSamples.Plaintext(length);
        var message = Sample.Message(plaintext, Sample.Template(frameLength: 4096));
        var exact = _options with { MaxMessageLength = message.Length };
        var less = _options with { MaxMessageLength = message.Length - 1 };
        SinkStream encrypted = new();
        SinkStream decrypted = new();
        SinkStream ignored = new();

        await Streamed.EncryptAsync(new SourceStream(plaintext), encrypted, exact);
        await Streamed.DecryptAsync(new SourceStream(message), decrypted, exact);

        Assert.That(encrypted.Content.SequenceEqual(message));
        Assert.That(decrypted.Content.SequenceEqual(plaintext));
        await Assert.ThatAsync(() => Streamed.EncryptAsync(new SourceStream(plaintext), ignored, less), Throws.ArgumentException);
        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(new SourceStream(message), ignored, less),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.MessageTooLong(message.Length - 1)));
        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(new SourceStream((byte[])[.. message, 0]), ignored, exact),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.MessageTooLong(message.Length)));
        Assert.That(ignored.Flushes, Is.Empty);
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(4096)]
    [TestCase(4097)]
    [TestCase(1_000_000)]
    public async Task Encrypt_writes_nothing_if_the_length_of_the_source_is_known_and_too_much(int length)
    {
        var plaintext = StreamSamples.Plaintext(length);
        var message = Sample.Message(plaintext, Sample.Template(frameLength: 4096));
        using MemoryStream source = new([0, .. plaintext]) { Position = 1 };
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.EncryptAsync(source, sink, _options with { MaxMessageLength = message.Length - 1 }),
            Throws.ArgumentException.With.Message.Contains("MaxMessageLength"));
        Assert.That((sink.Content.Length, source.Position), Is.EqualTo((0, 1)), "nothing written, nothing read");

        await Streamed.EncryptAsync(source, sink, _options with { MaxMessageLength = message.Length });
        Assert.That(sink.Content.SequenceEqual(message));
    }

    [Test]
    public async Task Encrypt_writes_nothing_if_the_source_says_that_it_is_endless()
    {
        using LongStream source = new();
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.EncryptAsync(source, sink, _options), Throws.ArgumentException.With.Message.Contains("MaxMessageLength"));

        Assert.That(sink.Content.Length, Is.Zero);
    }

    [Test]
    public async Task Decrypt_takes_a_header_of_the_longest_length_and_none_longer()
    {
        var message = Sample.Message(template: Sample.Template(keys: 700));
        var header = MessageHeader.Read(message, MessageOptions.Unlimited).Length;
        SinkStream sink = new();

        await Streamed.DecryptAsync(new SourceStream(message), sink, _options with { MaxHeaderLength = header });
        Assert.That(sink.Content.ToArray(), Is.EqualTo(Sample.Plaintext));

        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(new SourceStream(message), sink, _options with { MaxHeaderLength = header - 1 }),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.HeaderTooLong(header - 1)));
        Assert.That(
            () => MessageHeader.Read(message, _options with { MaxHeaderLength = header - 1 }),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.HeaderTooLong(header - 1)), "in memory, too");
        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(new SourceStream(message), sink, _options with { MaxEncryptedDataKeys = 699 }),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.TooManyEncryptedDataKeys(699)));
    }

    private static byte[] Frame(uint sequence) =>
        PlainWriter.Framed.RegularFrame(PlainReader.ContentKey(Sample.DataKeyBytes, Sample.MessageId), sequence, new byte[65_536]);

    private static IEnumerable<byte[]> ValidFrames(byte[] header)
    {
        yield return header;
        for (uint sequence = 1; ; sequence++)
        {
            yield return Frame(sequence);
        }
    }

    private sealed class LongStream : MemoryStream
    {
        public override long Length => long.MaxValue;
    }
}
