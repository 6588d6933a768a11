using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Every layout of a message, read in every way: whole it is read, with anything changed it is refused.</summary>
[TestFixtureSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))]
[Category("Slow")]
internal sealed class MessageDamageTests
{
    private static readonly string Unauthenticated = new ByokDecryptionException().Message;

    private readonly PlainWriter _writer;
    private readonly PlainMessage _message;

    public MessageDamageTests(PlainWriter writer) => (_writer, _message) = (writer, writer.Write(Sample.Plaintext));

    [Test]
    public async Task Read_gives_back_any_length([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        for (var length = 0; length <= 3 * Sample.FrameLength; length++)
        {
            var plaintext = Sample.Bytes(length, first: 1);

            Assert.That(await reading.ReadAsync(_writer.Write(plaintext).Bytes), Is.EqualTo(plaintext), $"{length} bytes");
        }
    }

    [Test]
    public async Task Read_takes_what_other_writers_write([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        var even = Sample.Bytes(2 * Sample.FrameLength, first: 1);

        Assert.That(
            await reading.ReadAsync((_writer with { EndsEmpty = true }).Write(even).Bytes), Is.EqualTo(even), "an empty frame at the end");
        Assert.That(await reading.ReadAsync((_writer with { EndsEmpty = true }).Write([]).Bytes), Is.Empty, "nothing but an empty frame");
        Assert.That(await reading.ReadAsync((_writer with { IVOffset = 7 }).Write(even).Bytes), Is.EqualTo(even), "other IVs");
    }

    [Test]
    public async Task Read_refuses_a_message_with_any_byte_changed([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        // A header may have words of its own, and so may a length of more than a stream takes in one piece.
        var withWords = _message.Header.Length + (_writer.IsFramed ? 0 : 12 + 8);
        foreach (var i in reading.Of(_message.Bytes.Length))
        {
            byte[] changed = [.. _message.Bytes];
            changed[i] ^= (byte)(1 << (i % 8));

            await reading.AssertRefusedAsync(changed, _message, $"byte {i}, bit {i % 8}", i < withWords ? null : Unauthenticated);
        }

        Assert.That(await reading.ReadAsync(_message.Bytes), Is.EqualTo(Sample.Plaintext), "unchanged");
    }

    [Test]
    public async Task Read_refuses_a_message_cut_anywhere([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        foreach (var length in reading.Of(_message.Bytes.Length))
        {
            var complaint = length < _message.Header.Length ? HeaderErrors.TooShort : Unauthenticated;

            await reading.AssertRefusedAsync(_message.Bytes[..length], _message, $"cut to {length}", complaint);
        }
    }

    [Test]
    public async Task Read_refuses_a_message_with_anything_behind_it([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        foreach (var added in Repetitions.Of(debug: [0, 1, 0x55, 0x80, 0xff], release: Enumerable.Range(0, 256).ToArray()))
        {
            await reading.AssertRefusedAsync([.. _message.Bytes, (byte)added], _message, $"with {added} behind it", Unauthenticated);
        }

        await reading.AssertRefusedAsync([.. _message.Bytes, .. _message.Bytes], _message, "twice", Unauthenticated);
        await reading.AssertRefusedAsync([.. _message.Bytes, .. new byte[100_000]], _message, "with much behind it", Unauthenticated);
    }

    [Test]
    public async Task Read_refuses_frames_in_another_order_or_number([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        var last = _message.Frames[^1];
        var regular = _message.Frames[..^1];

        await RefusedAsync("all left out", []);
        await RefusedAsync("the last left out", regular);
        await RefusedAsync("the last repeated", [.. _message.Frames, last]);
        await RefusedAsync("the last twice and the rest behind it", [last, .. regular, last]);
        if (_writer.IsFramed)
        {
            var first = regular[0];
            var second = regular[1];
            await RefusedAsync("exchanged", [second, first, last]);
            await RefusedAsync("exchanged and numbered in order", [Numbered(second, 1), Numbered(first, 2), last]);
            await RefusedAsync("the first left out", [second, last]);
            await RefusedAsync("the first left out, numbered in order", [Numbered(second, 1), last]);
            await RefusedAsync("the second left out", [first, last]);
            await RefusedAsync("the second in place of the last", [first, second, Numbered(second, 3)]);
            await RefusedAsync("one repeated", [first, first, second, last]);
            await RefusedAsync("numbered from 0", [Numbered(first, 0), second, last]);
            await RefusedAsync("the last first", [last, first, second]);
        }

        Task RefusedAsync(string what, byte[][] frames) =>
            reading.AssertRefusedAsync(_message.With(frames), _message, what, Unauthenticated);

        static byte[] Numbered(byte[] frame, int sequence) => [.. PlainWriter.Number(sequence, 4), .. frame[4..]];
    }

    [Test]
    public async Task Read_refuses_the_body_and_the_footer_of_another_layout(
        [ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        foreach (var other in PlainWriter.Layouts.Where(layout => layout != _writer))
        {
            var message = other.Write(Sample.Plaintext);
            byte[] changed = [.. _message.Header, .. message.Bytes[message.Header.Length..]];

            await reading.AssertRefusedAsync(
                changed, _message, $"with what follows the header of {other}", _writer.IsFramed ? Unauthenticated : null);
        }
    }

    [Test]
    public async Task Read_refuses_another_data_key([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        var other = (_writer with { DataKey = new byte[32] }).Write(Sample.Plaintext);

        await reading.AssertRefusedAsync(other.Bytes, _message, "all under another key", Unauthenticated);
        await reading.AssertRefusedAsync(
            [.. _message.Header, .. other.Bytes[other.Header.Length..]], _message, "a body under another key", Unauthenticated);
    }
}
