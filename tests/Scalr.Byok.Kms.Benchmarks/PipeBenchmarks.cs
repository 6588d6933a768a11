using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// How much slower than raw AES-GCM on the same chunks, from array to array, with the primitives of a message and on as many threads, is a
/// message between MemoryStreams, between pipes, and from a sequence? The least speed is 0.9, a ratio of 1.11.
/// </summary>
[Config(typeof(RatioConfig))]
public class PipeBenchmarks
{
    private const int Frame = 65_536;

    private readonly Yardstick _raw = new();
    private readonly MessageTemplate _template = Yardstick.Template(Frame);
    private MessageOptions _options = Yardstick.Options(1);
    private byte[] _plaintext = [];
    private byte[] _message = [];
    private byte[] _rawCiphertext = [];
    private byte[] _buffer = [];
    private ReadOnlySequence<byte> _plaintextBlocks;
    private ReadOnlySequence<byte> _messageBlocks;
    private MemoryStream _destination = new();

    [Params(64 << 10, 1 << 20, 64 << 20)]
    public int Size { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _options = Yardstick.Options(Threads);
        _plaintext = new byte[Size];
        Random.Shared.NextBytes(_plaintext);
        _message = MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _options);
        _rawCiphertext = _raw.Seal(_plaintext, Frame);
        _buffer = new byte[_message.Length + 4096];
        _destination = new MemoryStream(_buffer, 0, _buffer.Length, writable: true, publiclyVisible: true);

        // The blocks that Kestrel's pipes have.
        _plaintextBlocks = Blocks.Of(_plaintext, 4096);
        _messageBlocks = Blocks.Of(_message, 4096);
    }

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("encrypt")]
    public void RawEncrypt() => _raw.EncryptAll(_plaintext, _buffer, Frame, Threads);

    [Benchmark(Description = "MemoryStream"), BenchmarkCategory("encrypt")]
    public Task Encrypt() => EncryptAsync(MemoryStreamPipes.TryOpen(Source(_plaintext), Destination())!);

    [Benchmark(Description = "sequence"), BenchmarkCategory("encrypt")]
    public void EncryptSequence() =>
        MessageWriter.WriteTo(new FixedPipe(_buffer), _template, Yardstick.DataKey, new(_plaintext), _options);

    [Benchmark(Description = "sequence, 4 KiB blocks"), BenchmarkCategory("encrypt")]
    public void EncryptBlocks() =>
        MessageWriter.WriteTo(new FixedPipe(_buffer), _template, Yardstick.DataKey, _plaintextBlocks, _options);

    [Benchmark(Description = "pipe"), BenchmarkCategory("encrypt")]
    public Task EncryptPipe() => EncryptAsync(new PipePair(PipeReader.Create(new(_plaintext)), new FixedPipe(_buffer)));

    [Benchmark(Description = "pipe, 4 KiB blocks"), BenchmarkCategory("encrypt")]
    public Task EncryptPipeOfBlocks() => EncryptAsync(new PipePair(PipeReader.Create(_plaintextBlocks), new FixedPipe(_buffer)));

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("decrypt")]
    public void RawDecrypt() => _raw.DecryptAll(_rawCiphertext, _buffer.AsMemory(0, Size), Frame, Threads);

    [Benchmark(Description = "MemoryStream"), BenchmarkCategory("decrypt")]
    public Task Decrypt() => DecryptAsync(MemoryStreamPipes.TryOpen(Source(_message), Destination())!);

    [Benchmark(Description = "sequence"), BenchmarkCategory("decrypt")]
    public void DecryptSequence() => DecryptSequence(new(_message));

    [Benchmark(Description = "sequence, 4 KiB blocks"), BenchmarkCategory("decrypt")]
    public void DecryptBlocks() => DecryptSequence(_messageBlocks);

    [Benchmark(Description = "pipe"), BenchmarkCategory("decrypt")]
    public Task DecryptPipe() => DecryptAsync(new PipePair(PipeReader.Create(new(_message)), new FixedPipe(_buffer)));

    [Benchmark(Description = "pipe, 4 KiB blocks"), BenchmarkCategory("decrypt")]
    public Task DecryptPipeOfBlocks() => DecryptAsync(new PipePair(PipeReader.Create(_messageBlocks), new FixedPipe(_buffer)));

    private static MemoryStream Source(byte[] bytes) => new(bytes, 0, bytes.Length, writable: false, publiclyVisible: true);

    private MemoryStream Destination()
    {
        _destination.SetLength(0);
        return _destination;
    }

    private async Task EncryptAsync(PipePair pipes)
    {
        using var writer = MessagePipeWriter.Begin(_template, Yardstick.DataKey, RandomNumberGenerator.GetBytes(32), _options);
        await writer.RunAsync(pipes, FreeUse.Instance, CancellationToken.None);
    }

    private async Task DecryptAsync(PipePair pipes)
    {
        var header = await pipes.ReadHeaderAsync(_options, CancellationToken.None);
        using var reader = MessagePipeReader.Begin(header, Yardstick.DataKey, _options);
        await reader.RunAsync(pipes, FreeUse.Instance, CancellationToken.None);
    }

    private void DecryptSequence(ReadOnlySequence<byte> message) => MessageReader.ReadTo(
        new FixedPipe(_buffer), MessageHeader.Read(message, _options), message, Yardstick.DataKey, Threads);
}
