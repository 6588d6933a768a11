using System.Buffers;
using BenchmarkDotNet.Attributes;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// How much slower than raw AES-GCM on the same chunks is a message in memory, of a data key that is there, on one core and on two?
/// </summary>
[Config(typeof(RatioConfig))]
public class MemoryBenchmarks
{
    private readonly Yardstick _raw = new();
    private readonly MessageOptions _one = Yardstick.Options(1);
    private readonly MessageOptions _two = Yardstick.Options(2);
    private Memory<byte> _plaintext;
    private Memory<byte> _message;
    private Memory<byte> _rawCiphertext;
    private Memory<byte> _buffer;
    private Memory<byte> _output;
    private Memory<byte> _messageOutput;
    private MessageTemplate _template = Yardstick.Template(65_536);

    [Params(64 << 10, 1 << 20, 64 << 20)]
    public int Size { get; set; }

    [Params(65_536)]
    public int Frame { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _template = Yardstick.Template(Frame);
        var plaintext = new byte[Size];
        Random.Shared.NextBytes(plaintext);
        var message = MessageWriter.Write(_template, Yardstick.DataKey, plaintext, _one);

        // What is read and what is written stand half a page apart, here and for the yardstick: where the low 12 bits of their addresses
        // come close, a processor takes loads to depend on stores, which costs up to a fifth and says nothing of the code.
        var content = _template.HeaderLength + MessageFormat.RegularContentOffset;
        _plaintext = Yardstick.Place(plaintext, at: 0);
        _message = Yardstick.Place(message, at: 4096 - content);
        _rawCiphertext = Yardstick.Place(_raw.Seal(plaintext, Frame), at: 0);
        _buffer = Yardstick.Place(new byte[message.Length], at: 2048);
        _output = _buffer[..Size];
        _messageOutput = Yardstick.Place(new byte[message.Length], at: 2048 - content);
    }

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("encrypt")]
    public void RawEncrypt() => _raw.Encrypt(_plaintext.Span, _buffer.Span, Frame);

    [Benchmark(Description = "1 core"), BenchmarkCategory("encrypt")]
    public void Encrypt() => MessageWriter.WriteTo(new FixedBuffer(_messageOutput), _template, Yardstick.DataKey, new(_plaintext), _one);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("encrypt")]
    public void EncryptOnTwo() =>
        MessageWriter.WriteTo(new FixedBuffer(_messageOutput), _template, Yardstick.DataKey, new(_plaintext), _two);

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("encrypt, new array")]
    public byte[] RawEncryptToArray()
    {
        var ciphertext = GC.AllocateUninitializedArray<byte>(_message.Length);
        _raw.Encrypt(_plaintext.Span, ciphertext, Frame);
        return ciphertext;
    }

    [Benchmark(Description = "1 core"), BenchmarkCategory("encrypt, new array")]
    public byte[] EncryptToArray() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _one);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("encrypt, new array")]
    public byte[] EncryptToArrayOnTwo() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _two);

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("decrypt")]
    public void RawDecrypt() => _raw.Decrypt(_rawCiphertext.Span, _output.Span, Frame);

    [Benchmark(Description = "1 core"), BenchmarkCategory("decrypt")]
    public void Decrypt() =>
        MessageReader.ReadTo(new FixedBuffer(_buffer), MessageHeader.Read(_message, _one), new(_message), Yardstick.DataKey, 1);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("decrypt")]
    public void DecryptOnTwo() =>
        MessageReader.ReadTo(new FixedBuffer(_buffer), MessageHeader.Read(_message, _two), new(_message), Yardstick.DataKey, 2);

    /// <summary>A caller's buffer.</summary>
    private sealed class FixedBuffer(Memory<byte> buffer) : IBufferWriter<byte>
    {
        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => buffer;

        public Span<byte> GetSpan(int sizeHint = 0) => buffer.Span;
    }
}
