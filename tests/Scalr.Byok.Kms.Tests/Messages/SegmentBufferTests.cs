using System.Buffers;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>The buffers that streams go through come from a pool that the whole process shares.</summary>
internal sealed class SegmentBufferTests
{
    private const int BufferLength = 512 * 1024;

    /// <summary>With one thread.</summary>
    private const int BufferLengthAlone = 256 * 1024;

    /// <summary>What the buffer holds before. Where no stream writes, it stays.</summary>
    private const byte Foreign = 0xCC;

    private static readonly MessageOptions Options = Streamed.Options(1) with { FrameLength = 4096 };
    private static readonly byte[] Plaintext = StreamSamples.Plaintext(2_000_000);
    private static readonly byte[] Message = Sample.Message(Plaintext, Sample.Template(frameLength: 4096));

    private static IEnumerable<TestCaseData> Runs()
    {
        yield return Case("encrypting", () => Streamed.EncryptAsync(new SourceStream(Plaintext), new SinkStream(), Options));
        yield return Case(
            "encrypting a few bytes", () => Streamed.EncryptAsync(new SourceStream(Sample.Plaintext), new SinkStream(), Options));
        yield return Case("decrypting", () => Streamed.DecryptAsync(new SourceStream(Message), new SinkStream(), Options));
        yield return Case(
            "decrypting one block",
            () => Streamed.DecryptAsync(
                new SourceStream(PlainWriter.Layouts[1].Write(Plaintext[..500_000]).Bytes), new SinkStream(), Options),
            BufferLength);
        foreach (var frames in new[] { 1, 2, 50 })
        {
            yield return Case(
                $"encrypting {frames} whole frames",
                () => Streamed.EncryptAsync(new SourceStream(Plaintext.AsMemory(0, frames * 4096)), new SinkStream(), Options));
        }

        yield return Case(
            "encrypting from a source that throws",
            () => Streamed.EncryptAsync(Failing(new SourceStream(Plaintext)), new SinkStream(), Options));
        yield return Case(
            "encrypting to a destination that throws",
            () => Streamed.EncryptAsync(new SourceStream(Plaintext), Failing(new SinkStream()), Options));
        yield return Case("encrypting more than may be", () => Streamed.EncryptAsync(
            new SourceStream(Plaintext), new SinkStream(), Options with { MaxMessageLength = 700_000 }));
        yield return Case(
            "decrypting from a source that throws",
            () => Streamed.DecryptAsync(Failing(new SourceStream(Message)), new SinkStream(), Options));
        yield return Case(
            "decrypting to a destination that throws",
            () => Streamed.DecryptAsync(new SourceStream(Message), Failing(new SinkStream()), Options));
        yield return Case(
            "decrypting what is cut", () => Streamed.DecryptAsync(new SourceStream(Message.AsMemory()[..^1]), new SinkStream(), Options));

        static TestCaseData Case(string what, Func<Task> run, int bufferLength = BufferLengthAlone) =>
            new TestCaseData(run, bufferLength).SetArgDisplayNames(what);

        static T Failing<T>(T stream)
            where T : WatchedStream
        {
            stream.At(1_000_000, new IOException("as planned"));
            return stream;
        }
    }

    [TestCaseSource(nameof(Runs))]
    public void Dispose_erases_a_buffer_before_it_goes_back(Func<Task> run, int bufferLength)
    {
        // One thread all the way, so the pool returns the buffer that was given back last.
        var buffer = ArrayPool<byte>.Shared.Rent(bufferLength);
        buffer.AsSpan().Fill(Foreign);
        ArrayPool<byte>.Shared.Return(buffer);

        var task = run();

        var again = ArrayPool<byte>.Shared.Rent(bufferLength);
        Assert.That(task.IsCompleted, "nothing had to wait");
        Assert.That(
            task.Exception?.InnerException,
            Is.Null.Or.InstanceOf<IOException>().Or.TypeOf<ArgumentException>().Or.TypeOf<ByokDecryptionException>());
        Assert.That(again, Is.SameAs(buffer), "it went through this buffer");
        Assert.That(again.AsSpan().ContainsAnyExcept((byte)0, Foreign), Is.False, "and nothing is left in it");
        Assert.That(again[0], Is.Zero);
        ArrayPool<byte>.Shared.Return(again);
    }

    [Test]
    public void Grow_erases_what_it_leaves_behind()
    {
        var plaintext = StreamSamples.Plaintext(3_000_000);
        var message = Sample.Message(plaintext, Sample.Template(frameLength: plaintext.Length));
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        ArrayPool<byte>.Shared.Return(buffer);
        SinkStream sink = new();

        var task = Streamed.DecryptAsync(new SourceStream(message), sink, Options with { MaxFrameLength = plaintext.Length });

        var again = ArrayPool<byte>.Shared.Rent(BufferLength);
        Assert.That(task.IsCompletedSuccessfully, "nothing had to wait");
        Assert.That(sink.Content.SequenceEqual(plaintext));
        Assert.That(again, Is.SameAs(buffer));
        Assert.That(again.AsSpan().ContainsAnyExcept((byte)0), Is.False);
        ArrayPool<byte>.Shared.Return(again);
    }
}
