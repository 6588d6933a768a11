using System.Buffers;
using BenchmarkDotNet.Attributes;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>How much slower than raw AES-GCM on the same chunks is a message in memory, of a data key that is there, on one core and on two?</summary>
[Config(typeof(RatioConfig))]
public class MemoryBenchmarks
{
    private readonly Yardstick _raw = new();
    private readonly MessageOptions _one = Yardstick.Options(1);
    private readonly MessageOptions _two = Yardstick.Options(2);
    private byte[] _plaintext = [];
    private byte[] _message = [];
    private byte[] _rawCiphertext = [];
    private byte[] _buffer = [];
    private MessageTemplate _template = Yardstick.Template(65_536);

    [Params(64 << 10, 1 << 20, 64 << 20)]
    public int Size { get; set; }

    [Params(65_536)]
    public int Frame { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _template = Yardstick.Template(Frame);
        _plaintext = new byte[Size];
        Random.Shared.NextBytes(_plaintext);
        _message = MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _one);
        _rawCiphertext = _raw.Seal(_plaintext, Frame);
        _buffer = new byte[_message.Length];
    }

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("encrypt")]
    public void RawEncrypt() => _raw.Encrypt(_plaintext, _buffer, Frame);

    [Benchmark(Description = "own buffers, 1 core"), BenchmarkCategory("encrypt")]
    public void EncryptTo() => MessageWriter.WriteTo(new FixedBuffer(_buffer), _template, Yardstick.DataKey, _plaintext, _one);

    [Benchmark(Description = "own buffers, 2 cores"), BenchmarkCategory("encrypt")]
    public void EncryptToOnTwo() => MessageWriter.WriteTo(new FixedBuffer(_buffer), _template, Yardstick.DataKey, _plaintext, _two);

    [Benchmark(Description = "new array, 1 core"), BenchmarkCategory("encrypt")]
    public byte[] Encrypt() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _one);

    [Benchmark(Description = "new array, 2 cores"), BenchmarkCategory("encrypt")]
    public byte[] EncryptOnTwo() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _two);

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("decrypt")]
    public void RawDecrypt() => _raw.Decrypt(_rawCiphertext, _buffer.AsSpan(0, Size), Frame);

    [Benchmark(Description = "own buffers, 1 core"), BenchmarkCategory("decrypt")]
    public void DecryptTo() => MessageReader.ReadTo(new FixedBuffer(_buffer), MessageHeader.Read(_message, _one), _message, Yardstick.DataKey, 1);

    [Benchmark(Description = "own buffers, 2 cores"), BenchmarkCategory("decrypt")]
    public void DecryptToOnTwo() => MessageReader.ReadTo(new FixedBuffer(_buffer), MessageHeader.Read(_message, _two), _message, Yardstick.DataKey, 2);

    [Benchmark(Description = "new array, 1 core"), BenchmarkCategory("decrypt")]
    public byte[] Decrypt() => MessageReader.Read(MessageHeader.Read(_message, _one), _message, Yardstick.DataKey, 1);

    [Benchmark(Description = "new array, 2 cores"), BenchmarkCategory("decrypt")]
    public byte[] DecryptOnTwo() => MessageReader.Read(MessageHeader.Read(_message, _two), _message, Yardstick.DataKey, 2);

    /// <summary>A caller's buffer.</summary>
    private sealed class FixedBuffer(byte[] buffer) : IBufferWriter<byte>
    {
        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => buffer;

        public Span<byte> GetSpan(int sizeHint = 0) => buffer;
    }
}
