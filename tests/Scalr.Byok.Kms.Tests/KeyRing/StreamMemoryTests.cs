using System.IO.Pipelines;
using System.Security.Cryptography;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Long streams through a key ring and back, in memory that does not depend on the length.</summary>
[NonParallelizable] // it counts what the whole process allocates
[Category("Slow")]
internal sealed class StreamMemoryTests
{
    private const int MiB = 1 << 20;

    // Many times what may be held.
    private static readonly long Long = Repetitions.Of(debug: 128L * MiB, release: 1024L * MiB);

    // Repeats itself, but at a length that fits no frame, no segment and no buffer: whatever is lost, doubled or exchanged shows.
    private static readonly byte[] Pattern = RandomNumberGenerator.GetBytes(1_048_573);

    [Test]
    public async Task Streaming_both_ways_holds_the_same_few_bytes_whatever_the_length()
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring(ByokCredentialSettings.AccessKeysType);
        await ThereAndBackAsync(ring, 16L * MiB); // code is compiled, pools are filled

        var idle = GC.GetTotalMemory(forceFullCollection: true);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var most = await ThereAndBackAsync(ring, Long) - idle;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;

        TestContext.Out.WriteLine(
            $"Encrypting and decrypting {Long / MiB} MiB held {most:N0} bytes at most above idle, "
            + $"and allocated {allocated:N0} bytes altogether.");
        Assert.That(most, Is.LessThan(8 * MiB), "encryption, decryption and the pipe between them");
        Assert.That(allocated, Is.LessThan(8 * MiB), "garbage included");
    }

    [Test]
    public async Task Reencrypting_a_stream_holds_the_same_few_bytes_whatever_the_length([Values(1, 2)] int threads)
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring(ByokCredentialSettings.AccessKeysType, options: options => options.MaxDegreeOfParallelism = threads);
        await ThereAndBackAsync(ring, 16L * MiB, isReencrypted: true); // code is compiled, pools are filled

        var idle = GC.GetTotalMemory(forceFullCollection: true);
        var most = await ThereAndBackAsync(ring, Long, isReencrypted: true) - idle;

        TestContext.Out.WriteLine(
            $"Encrypting, re-encrypting and decrypting {Long / MiB} MiB held {most:N0} bytes at most above idle.");
        Assert.That(most, Is.LessThan(16 * MiB), "encryption, re-encryption, decryption and the pipes between them");
    }

    /// <summary>Returns the most memory that was in use at any of the looks on the way.</summary>
    private static async Task<long> ThereAndBackAsync(IByokKeyRing ring, long length, bool isReencrypted = false)
    {
        var (pipe, moved) = (NewPipe(), NewPipe());
        await using var plaintext = new PatternStream(length, isSource: true);
        await using var decrypted = new PatternStream(length, isSource: false);

        await Task.WhenAll(
            EncryptAsync(), isReencrypted ? ReencryptAsync() : Task.CompletedTask, DecryptAsync(isReencrypted ? moved : pipe));

        Assert.That((plaintext.Passed, decrypted.Passed), Is.EqualTo((length, length)), "every byte, and every one as it was");
        return decrypted.MostMemory;

        async Task EncryptAsync()
        {
            await ring.EncryptAsync(plaintext, pipe.Writer.AsStream(leaveOpen: true));
            await pipe.Writer.CompleteAsync();
        }

        async Task ReencryptAsync()
        {
            await ring.ReencryptAsync(
                pipe.Reader.AsStream(leaveOpen: true), moved.Writer.AsStream(leaveOpen: true), ByokReencryptWhen.Always);
            await pipe.Reader.CompleteAsync();
            await moved.Writer.CompleteAsync();
        }

        async Task DecryptAsync(Pipe source)
        {
            await ring.DecryptAsync(source.Reader.AsStream(leaveOpen: true), decrypted);
            await source.Reader.CompleteAsync();
        }
    }

    private static Pipe NewPipe() =>
        new(new PipeOptions(pauseWriterThreshold: MiB, resumeWriterThreshold: MiB / 2, minimumSegmentSize: MiB / 16));

    /// <summary>Makes the pattern when it is read, compares with it when it is written, and stores nothing.</summary>
    private sealed class PatternStream : Stream
    {
        private readonly long _length;
        private readonly bool _isSource;

        public PatternStream(long length, bool isSource) => (_length, _isSource) = (length, isSource);

        public long Passed { get; private set; }

        public long MostMemory { get; private set; }

        public override bool CanRead => _isSource;

        public override bool CanWrite => !_isSource;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        private ReadOnlySpan<byte> Next => Pattern.AsSpan((int)(Passed % Pattern.Length));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var length = (int)Math.Min(Math.Min(buffer.Length, Next.Length), _length - Passed);
            Next[..length].CopyTo(buffer.Span);
            Passed += length;
            return ValueTask.FromResult(length);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (buffer.Length > 0)
            {
                var length = Math.Min(buffer.Length, Next.Length);
                if (!buffer.Span[..length].SequenceEqual(Next[..length]))
                {
                    throw new InvalidDataException($"Something between {Passed} and {Passed + length} is not as it was.");
                }

                if (Passed / (16 * MiB) < (Passed + length) / (16 * MiB))
                {
                    MostMemory = Math.Max(MostMemory, GC.GetTotalMemory(forceFullCollection: true));
                }

                Passed += length;
                buffer = buffer[length..];
            }

            return ValueTask.CompletedTask;
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
