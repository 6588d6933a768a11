using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// How much slower than raw AES-GCM on the same chunks, from array to array, is a message from stream to stream, on one core and on two?
/// </summary>
[Config(typeof(RatioConfig))]
public class StreamBenchmarks
{
    private const int Frame = 65_536;

    private readonly Yardstick _raw = new();
    private readonly MessageOptions _one = Yardstick.Options(1);
    private readonly MessageOptions _two = Yardstick.Options(2);
    private readonly MessageTemplate _template = Yardstick.Template(Frame);
    private byte[] _plaintext = [];
    private byte[] _message = [];
    private byte[] _rawCiphertext = [];
    private readonly byte[] _chunk = new byte[Frame];
    private byte[] _buffer = [];

    [Params(64 << 10, 1 << 20, 64 << 20)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _plaintext = new byte[Size];
        Random.Shared.NextBytes(_plaintext);
        _message = MessageWriter.Write(_template, Yardstick.DataKey, _plaintext, _one);
        _rawCiphertext = _raw.Seal(_plaintext, Frame);
        _buffer = new byte[_message.Length];
    }

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("encrypt")]
    public void RawEncrypt() => _raw.Encrypt(_plaintext, _buffer, Frame);

    [Benchmark(Description = "raw AesGcm and two copies"), BenchmarkCategory("encrypt")]
    public void RawEncryptThroughStreams() => ThroughStreams(_plaintext, chunk => _raw.Encrypt(chunk, chunk, Frame));

    [Benchmark(Description = "1 core"), BenchmarkCategory("encrypt")]
    public Task Encrypt() => EncryptAsync(_one);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("encrypt")]
    public Task EncryptOnTwo() => EncryptAsync(_two);

    [Benchmark(Baseline = true, Description = "raw AesGcm"), BenchmarkCategory("decrypt")]
    public void RawDecrypt() => _raw.Decrypt(_rawCiphertext, _buffer.AsSpan(0, Size), Frame);

    [Benchmark(Description = "1 core"), BenchmarkCategory("decrypt")]
    public Task Decrypt() => DecryptAsync(_one);

    [Benchmark(Description = "2 cores"), BenchmarkCategory("decrypt")]
    public Task DecryptOnTwo() => DecryptAsync(_two);

    /// <summary>What streams cost whatever is done with them: each chunk is copied out of one and into the other.</summary>
    private void ThroughStreams(byte[] input, Action<byte[]> work)
    {
        MemoryStream source = new(input);
        MemoryStream destination = new(_buffer);
        while (source.Read(_chunk, 0, Frame) == Frame)
        {
            work(_chunk);
            destination.Write(_chunk, 0, Frame);
        }
    }

    private async Task EncryptAsync(MessageOptions options)
    {
        using var writer = MessageStreamWriter.Begin(
            _template, Yardstick.DataKey, RandomNumberGenerator.GetBytes(32), options);
        await writer.RunAsync(new MemoryStream(_plaintext), new MemoryStream(_buffer), FreeUse.Instance, CancellationToken.None);
    }

    private async Task DecryptAsync(MessageOptions options)
    {
        MessageInput input = new(new MemoryStream(_message), options);
        using var reader = MessageStreamReader.Begin(
            input, await input.ReadHeaderAsync(CancellationToken.None), Yardstick.DataKey, options);
        await reader.RunAsync(new MemoryStream(_buffer), FreeUse.Instance, CancellationToken.None);
    }
}
