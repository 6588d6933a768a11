using System.Buffers;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Plaintext between the reader of one message and the writer of another: its order, its waits and its erasure.</summary>
[CancelAfter(60_000)]
internal sealed class PlaintextHandOverTests
{
    private const int Short = 4096;

    [Test]
    public async Task A_short_plaintext_needs_no_wait([Values] bool isSequential, [Values(1, Short)] int length)
    {
        await using PlaintextHandOver plaintext = new(isSequential);

        var write = plaintext.WriteAsync(Bytes(length));
        plaintext.Complete();
        var isWritten = write.IsCompleted;
        await write;

        Assert.That(isWritten, Is.True);
        Assert.That(await ReadAllAsync(plaintext, 1000), Is.EqualTo(Bytes(length)));
    }

    [Test]
    public async Task What_follows_a_short_part_waits_until_it_is_read([Values(1, 10, Short + 1)] int length)
    {
        await using PlaintextHandOver plaintext = new(isSequential: true);
        await plaintext.WriteAsync(Bytes(10));

        var second = plaintext.WriteAsync(Bytes(length)).AsTask();
        var isWrittenEarly = second.IsCompleted;
        var buffer = new byte[10 + length];
        var read = await plaintext.ReadAsync(buffer);
        await second;

        Assert.That((isWrittenEarly, read), Is.EqualTo((false, 10 + length)));
        Assert.That(buffer, Is.EqualTo((byte[])[.. Bytes(10), .. Bytes(length)]));
    }

    [Test]
    public async Task A_long_part_waits_until_it_is_read()
    {
        await using PlaintextHandOver plaintext = new(isSequential: true);

        var write = plaintext.WriteAsync(Bytes(Short + 1)).AsTask();
        var isWrittenEarly = write.IsCompleted;
        var end = write.ContinueWith(_ => plaintext.Complete(), TaskScheduler.Default);

        Assert.That(await ReadAllAsync(plaintext, 100), Is.EqualTo(Bytes(Short + 1)));
        await end;
        Assert.That(isWrittenEarly, Is.False);
    }

    [Test]
    public async Task A_reader_that_waits_gets_the_parts_when_its_buffer_is_full_or_at_the_end()
    {
        await using PlaintextHandOver plaintext = new(isSequential: true);
        var buffer = new byte[100];

        var read = plaintext.ReadAsync(buffer).AsTask();
        await plaintext.WriteAsync(Bytes(30));
        await plaintext.WriteAsync(Bytes(30));
        var isReadEarly = read.IsCompleted;
        plaintext.Complete();

        Assert.That((isReadEarly, await read), Is.EqualTo((false, 60)));
        Assert.That(buffer.Take(60), Is.EqualTo((byte[])[.. Bytes(30), .. Bytes(30)]));
    }

    [Test]
    public void A_short_part_that_no_one_reads_is_erased()
    {
        PlaintextHandOver plaintext = new(isSequential: true);
        var write = plaintext.WriteAsync(Bytes(1000));
        Assert.That(write.IsCompletedSuccessfully, Is.True);

        plaintext.Dispose();

        // The pool gives a thread the array that the thread has returned last.
        var array = ArrayPool<byte>.Shared.Rent(1000);
        Assert.That(array.Take(1000), Is.All.Zero);
        ArrayPool<byte>.Shared.Return(array);
    }

    private static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(number => (byte)((number % 250) + 1))];

    private static async Task<byte[]> ReadAllAsync(PlaintextHandOver plaintext, int bufferLength)
    {
        List<byte> all = [];
        var buffer = new byte[bufferLength];
        for (int read; (read = await plaintext.ReadAsync(buffer)) > 0;)
        {
            all.AddRange(buffer.AsSpan(0, read));
        }

        return [.. all];
    }
}
