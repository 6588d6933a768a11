using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// Streams and pipes on one thread and on two, next to raw <see cref="AesGcm"/> with a message's primitives, and next to the least that
/// streams and pipes of small blocks cost: one thread of <see cref="AesGcm"/> and the copies that their interfaces require.
/// </summary>
internal sealed class StreamNumbers : IDisposable
{
    private const int Frame = 65_536;

    /// <summary>The blocks that Kestrel's pipes have.</summary>
    private const int Block = 4096;
    private const int LargeBlock = 512 * 1024;

    private static readonly MessageOptions One = Yardstick.Options(1);
    private static readonly MessageOptions Two = Yardstick.Options(2);
    private static readonly MessageTemplate Template = Yardstick.Template(Frame);

    private readonly Yardstick _raw = new();
    private readonly byte[] _plaintext;
    private readonly byte[] _message;
    private readonly byte[] _rawCiphertext;
    private readonly Memory<byte> _chunk;
    private readonly MemoryStream _accessible;
    private readonly byte[] _buffer;

    private StreamNumbers(int size)
    {
        _plaintext = RandomNumberGenerator.GetBytes(size);
        _message = MessageWriter.Write(Template, Yardstick.DataKey, _plaintext, One);
        _rawCiphertext = _raw.Seal(_plaintext, Frame);
        _buffer = new byte[_message.Length + 4096];
        _chunk = Yardstick.Place(new byte[Frame + 16], at: 2048);
        _accessible = new MemoryStream(_buffer, 0, _buffer.Length, writable: true, publiclyVisible: true);
    }

    public static async Task RunAsync()
    {
        StringBuilder page = new();
        await AddAsync(page);
        Console.WriteLine(page);
    }

    public static async Task AddAsync(StringBuilder page)
    {
        foreach (var (size, name) in new[] { (64 << 10, "64 KiB"), (1 << 20, "1 MiB"), (64 << 20, "64 MiB") })
        {
            using StreamNumbers numbers = new(size);
            await numbers.AddAsync(name, page);
            if (size > Frame)
            {
                // A single frame is the work of one thread.
                await numbers.AddTwoThreadsAsync(name, page);
            }
        }
    }

    public void Dispose() => _raw.Dispose();

    private async Task AddAsync(string name, StringBuilder page)
    {
        await AddEncryptionAsync(name, page);
        await AddDecryptionAsync(name, page);
    }

    private async Task AddEncryptionAsync(string name, StringBuilder page)
    {
        var small = Blocks.Of(_plaintext, Block);
        var large = Blocks.Of(_plaintext, LargeBlock);
        await Table.MeasureAsync(
            page,
            $"Streams and pipes: encryption of {name}, one thread",
            Row.Of("AesGcm and primitives, array to array", () => _raw.EncryptAll(_plaintext, _buffer, Frame, 1)),
            Row.Of("MemoryStream, accessible buffer", () => EncryptAsync(MemoryStreamPipes.TryOpen(Source(_plaintext), Destination())!)),
            Row.Of("pipe, 512 KiB blocks", () => EncryptAsync(new PipePair(PipeReader.Create(large), new FixedPipe(_buffer)))),
            Row.Of("AesGcm and primitives, in place after a copy of 4 KiB blocks", () => _raw.EncryptBlocks(small, _buffer, Frame)),
            Row.Of("pipe, 4 KiB blocks", () => EncryptAsync(new PipePair(PipeReader.Create(small), new FixedPipe(_buffer)))),
            Row.Of(
                "AesGcm and primitives, in place between read and write",
                () => _raw.EncryptBetween(new MemoryStream(_plaintext), new MemoryStream(_buffer), _chunk)),
            Row.Of("ordinary stream", () => EncryptAsync(new MemoryStream(_plaintext), new MemoryStream(_buffer))));
    }

    private async Task AddDecryptionAsync(string name, StringBuilder page)
    {
        var small = Blocks.Of(_message, Block);
        var large = Blocks.Of(_message, LargeBlock);
        var rawBlocks = Blocks.Of(_rawCiphertext, Block);
        var output = _buffer.AsMemory(0, _plaintext.Length);
        await Table.MeasureAsync(
            page,
            $"Streams and pipes: decryption of {name}, one thread",
            Row.Of("AesGcm and primitives, array to array", () => _raw.DecryptAll(_rawCiphertext, output, Frame, 1)),
            Row.Of("MemoryStream, accessible buffer", () => DecryptAsync(MemoryStreamPipes.TryOpen(Source(_message), Destination())!)),
            Row.Of("pipe, 512 KiB blocks", () => DecryptAsync(new PipePair(PipeReader.Create(large), new FixedPipe(_buffer)))),
            Row.Of(
                "AesGcm and primitives, in place after a copy of 4 KiB blocks",
                () => _raw.DecryptBlocks(rawBlocks, output.Span, Frame)),
            Row.Of("pipe, 4 KiB blocks", () => DecryptAsync(new PipePair(PipeReader.Create(small), new FixedPipe(_buffer)))),
            Row.Of(
                "AesGcm and primitives, in place between read and write",
                () => _raw.DecryptBetween(new MemoryStream(_rawCiphertext), new MemoryStream(_buffer), _chunk, output.Length)),
            Row.Of("ordinary stream", () => DecryptAsync(new MemoryStream(_message), new MemoryStream(_buffer))));
    }

    private async Task AddTwoThreadsAsync(string name, StringBuilder page)
    {
        var small = Blocks.Of(_plaintext, Block);
        var smallMessage = Blocks.Of(_message, Block);
        var output = _buffer.AsMemory(0, _plaintext.Length);
        await Table.MeasureAsync(
            page,
            $"Streams and pipes: encryption of {name}, two threads",
            Row.Of("AesGcm and primitives, array to array, one thread", () => _raw.EncryptAll(_plaintext, _buffer, Frame, 1)),
            Row.Of("AesGcm and primitives, array to array", () => _raw.EncryptAll(_plaintext, _buffer, Frame, 2)),
            Row.Of(
                "MemoryStream, accessible buffer",
                () => EncryptAsync(MemoryStreamPipes.TryOpen(Source(_plaintext), Destination())!, Two)),
            Row.Of("pipe, 4 KiB blocks", () => EncryptAsync(new PipePair(PipeReader.Create(small), new FixedPipe(_buffer)), Two)),
            Row.Of("ordinary stream", () => EncryptAsync(new MemoryStream(_plaintext), new MemoryStream(_buffer), Two)));
        await Table.MeasureAsync(
            page,
            $"Streams and pipes: decryption of {name}, two threads",
            Row.Of("AesGcm and primitives, array to array, one thread", () => _raw.DecryptAll(_rawCiphertext, output, Frame, 1)),
            Row.Of("AesGcm and primitives, array to array", () => _raw.DecryptAll(_rawCiphertext, output, Frame, 2)),
            Row.Of(
                "MemoryStream, accessible buffer",
                () => DecryptAsync(MemoryStreamPipes.TryOpen(Source(_message), Destination())!, Two)),
            Row.Of("pipe, 4 KiB blocks", () => DecryptAsync(new PipePair(PipeReader.Create(smallMessage), new FixedPipe(_buffer)), Two)),
            Row.Of("ordinary stream", () => DecryptAsync(new MemoryStream(_message), new MemoryStream(_buffer), Two)));
    }

    private static MemoryStream Source(byte[] bytes) => new(bytes, 0, bytes.Length, writable: false, publiclyVisible: true);

    private MemoryStream Destination()
    {
        _accessible.SetLength(0);
        return _accessible;
    }

    private static async Task EncryptAsync(PipePair pipes, MessageOptions? options = null)
    {
        using var writer = MessagePipeWriter.Begin(Template, Yardstick.DataKey, RandomNumberGenerator.GetBytes(32), options ?? One);
        await writer.RunAsync(pipes, FreeUse.Instance, CancellationToken.None);
    }

    private static async Task DecryptAsync(PipePair pipes, MessageOptions? options = null)
    {
        var header = await pipes.ReadHeaderAsync(options ?? One, CancellationToken.None);
        using var reader = MessagePipeReader.Begin(header, Yardstick.DataKey, options ?? One);
        await reader.RunAsync(pipes, FreeUse.Instance, CancellationToken.None);
    }

    private static async Task EncryptAsync(Stream plaintext, Stream message, MessageOptions? options = null)
    {
        using var writer = MessageStreamWriter.Begin(
            Template, Yardstick.DataKey, RandomNumberGenerator.GetBytes(32), options ?? One);
        await writer.RunAsync(plaintext, message, FreeUse.Instance, CancellationToken.None);
    }

    private static async Task DecryptAsync(Stream message, Stream plaintext, MessageOptions? options = null)
    {
        MessageInput input = new(message, options ?? One);
        using var reader = MessageStreamReader.Begin(
            input, await input.ReadHeaderAsync(CancellationToken.None), Yardstick.DataKey, options ?? One);
        await reader.RunAsync(plaintext, FreeUse.Instance, CancellationToken.None);
    }
}
