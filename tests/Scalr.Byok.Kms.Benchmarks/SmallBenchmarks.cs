using BenchmarkDotNet.Attributes;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>How much slower than the primitives it cannot do without is a small message of a data key that is there?</summary>
[Config(typeof(RatioConfig))]
public class SmallBenchmarks
{
    private readonly Yardstick _raw = new();
    private readonly MessageOptions _options = Yardstick.Options(1);
    private readonly MessageTemplate _template = Yardstick.Template(65_536);
    private byte[] _plaintext = [];
    private byte[] _message = [];
    private byte[] _header = [];
    private Yardstick.Small? _small;

    [Params(32, 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _plaintext = new byte[Size];
        Random.Shared.NextBytes(_plaintext);
        _message = MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _options);
        _header = _message[..(_template.HeaderLength - 16)];
        _small = _raw.SealSmall(_plaintext, _header);
    }

    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("encrypt")]
    public byte[] RawEncrypt() => _raw.EncryptSmall(_plaintext, _header, _message.Length);

    [Benchmark(Description = "message"), BenchmarkCategory("encrypt")]
    public byte[] Encrypt() => MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _options);

    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("decrypt")]
    public byte[] RawDecrypt() => _raw.DecryptSmall(_small!, _header);

    [Benchmark(Description = "message"), BenchmarkCategory("decrypt")]
    public byte[] Decrypt() => MessageReader.Read(MessageHeader.Read(_message, _options), new(_message), Yardstick.DataKey);
}
