using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A way to read a message. What is refused by one of them is refused by all, and none lets go what it must not.</summary>
internal sealed class Reading
{
    public static readonly Reading[] All =
    [
        new("in memory", stream: null, InMemoryAsync),
        new("into buffers", stream: null, IntoBuffersAsync),
        .. new[] { 1, 5 }.Select( // the messages are shorter than what two threads share
            (degree, stream) => new Reading($"by stream, degree {degree}", stream, (message, _) => ByStreamAsync(message, degree))),
    ];

    private readonly string _name;

    // Which of the two streams.
    private readonly int? _stream;

    // A message, and where its header comes from if it is not read from the message.
    private readonly Func<byte[], Func<MessageHeader>?, Task<Outcome>> _read;

    private Reading(string name, int? stream, Func<byte[], Func<MessageHeader>?, Task<Outcome>> read) =>
        (_name, _stream, _read) = (name, stream, read);

    /// <summary>
    /// Which of so many cases are read this way: all. In Debug, of the two streams each has every second case, because a stream reads the
    /// header each time, and the public key in it takes a millisecond.
    /// </summary>
    public IEnumerable<int> Of(int cases) =>
        Enumerable.Range(0, cases).Where(number => Repetitions.Of(debug: _stream is null || number % 2 == _stream, release: true));

    /// <summary>The plaintext of a message that must be good.</summary>
    public async Task<byte[]> ReadAsync(byte[] message)
    {
        var outcome = await _read(message, null);
        Assert.That(outcome.Refusal, Is.Null);
        return outcome.Released;
    }

    /// <summary>A changed message is refused, and of the original no more comes out than what was authentic before the change.</summary>
    /// <param name="changed">What is read.</param>
    /// <param name="original">What it was made from.</param>
    /// <param name="what">What was changed.</param>
    /// <param name="complaint">The words it is refused with; null for any.</param>
    public async Task AssertRefusedAsync(byte[] changed, PlainMessage original, string what, string? complaint = null)
    {
        var outcome = await _read(changed, changed.AsSpan().StartsWith(original.Header) ? () => original.ReadHeader : null);
        var releasable = original.Plaintext[..(_stream is not null ? original.Releasable(changed) : 0)];

        Assert.That(outcome.Refusal, Is.Not.Null, $"{what}: accepted");
        Assert.That(outcome.Released, Is.EqualTo(releasable), $"{what}: released");
        Assert.That(outcome.Refusal!.Message, Is.EqualTo(complaint ?? outcome.Refusal.Message), what);
    }

    public override string ToString() => _name;

    private static Task<Outcome> InMemoryAsync(byte[] message, Func<MessageHeader>? header)
    {
        using var dataKey = Sample.OpenDataKey();
        try
        {
            return Task.FromResult(new Outcome(MessageReader.Read(Header(message, header), new(message), dataKey), null));
        }
        catch (ByokDecryptionException refusal)
        {
            return Task.FromResult(new Outcome([], refusal));
        }
    }

    private static Task<Outcome> IntoBuffersAsync(byte[] message, Func<MessageHeader>? header)
    {
        RecordedBuffer destination = new();
        using var dataKey = Sample.OpenDataKey();
        try
        {
            MessageReader.ReadTo(destination, Header(message, header), new(message), dataKey);
            Assert.That(destination.Advanced, Is.EqualTo(destination.Asked), "asked once, advanced once, by as much");
            return Task.FromResult(new Outcome(destination.Written, null));
        }
        catch (ByokDecryptionException refusal)
        {
            Assert.That(destination.Advanced, Is.Empty, "not advanced");
            Assert.That(destination.Room.ContainsAnyExcept((byte)0), Is.False, "erased");
            return Task.FromResult(new Outcome([], refusal));
        }
        finally
        {
            Assert.That(destination.IsRestUntouched, "nothing is written outside the room");
        }
    }

    private static MessageHeader Header(byte[] message, Func<MessageHeader>? header) =>
        header?.Invoke() ?? MessageHeader.Read(message, Sample.Options);

    private static async Task<Outcome> ByStreamAsync(byte[] message, int degree)
    {
        SourceStream source = new(message);
        SinkStream sink = new();
        ByokDecryptionException? refusal = null;
        try
        {
            await Streamed.DecryptAsync(source, sink, Streamed.Options(degree));
        }
        catch (ByokDecryptionException e)
        {
            refusal = e;
        }

        Assert.That(
            (source.Overlaps, source.UnderWay, sink.Overlaps, sink.UnderWay),
            Is.EqualTo((0, 0, 0, 0)),
            "one call at a time, none left over");
        return new Outcome(sink.Content.ToArray(), refusal);
    }

    private readonly record struct Outcome(byte[] Released, ByokDecryptionException? Refusal);
}
