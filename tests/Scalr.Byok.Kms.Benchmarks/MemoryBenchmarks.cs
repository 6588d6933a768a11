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

    [Benchmark(Description = "1 core"), BenchmarkCategory("encrypt")]
    public void Encrypt() => MessageWriter.WriteTo(new FixedBuffer(_buffer), _template, Yardstick.DataKey, _plaintext, _one);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("encrypt")]
    public void EncryptOnTwo() => MessageWriter.WriteTo(new FixedBuffer(_buffer), _template, Yardstick.DataKey, _plaintext, _two);

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("encrypt, new array")]
    public byte[] RawEncryptToArray()
    {
        byte[] ciphertext = GC.AllocateUninitializedArray<byte>(_message.Length);
        _raw.Encrypt(_plaintext, ciphertext, Frame);
        return ciphertext;
    }

    [Benchmark(Description = "1 core"), BenchmarkCategory("encrypt, new array")]
    public byte[] EncryptToArray() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _one);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("encrypt, new array")]
    public byte[] EncryptToArrayOnTwo() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _two);

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("decrypt")]
    public void RawDecrypt() => _raw.Decrypt(_rawCiphertext, _buffer.AsSpan(0, Size), Frame);

    [Benchmark(Description = "1 core"), BenchmarkCategory("decrypt")]
    public void Decrypt() => MessageReader.ReadTo(new FixedBuffer(_buffer), MessageHeader.Read(_message, _one), _message, Yardstick.DataKey, 1);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("decrypt")]
    public void DecryptOnTwo() => MessageReader.ReadTo(new FixedBuffer(_buffer), MessageHeader.Read(_message, _two), _message, Yardstick.DataKey, 2);

    [Benchmark(Baseline = true, Description = "copy of the message"), BenchmarkCategory("rewrap, new array")]
    public byte[] Copy() => _message.AsSpan().ToArray();

    [Benchmark(Description = "1 core"), BenchmarkCategory("rewrap, new array")]
    public byte[] Rewrap()
    {
        MessageHeader header = MessageHeader.Read(_message, _one);
        MessageRewrapper.EnsureWhole(header, _message);
        using MessageRewrapper rewrapper = MessageRewrapper.Begin(header, Yardstick.DataKey);
        return rewrapper.Rewrap(_message, header.EncryptedDataKeys[0], _one.MaxMessageLength);
    }

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
