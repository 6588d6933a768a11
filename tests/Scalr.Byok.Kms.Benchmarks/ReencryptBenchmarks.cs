using System.Buffers;
using BenchmarkDotNet.Attributes;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// How much slower than DecryptAsync and then EncryptAsync is ReencryptAsync? Both data keys are cached. The limit is 1.15.
/// </summary>
[Config(typeof(RatioConfig))]
public class ReencryptBenchmarks
{
    private DemoCustomer? _customer;
    private ServiceProvider? _provider;
    private IByokKeyRing? _ring;
    private byte[] _message = [];
    private byte[] _plaintext = [];
    private byte[] _output = [];

    [Params(1 << 10, 64 << 10, 32 << 20)]
    public int Size { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _customer = await DemoCustomer.StartAsync();
        var old = Credentials(_customer.AccessKey);
        var services = new ServiceCollection();
        var builder = services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = _customer.Aws.Endpoint;
            options.DataKeyCache.MaxMessages = long.MaxValue;
            options.DataKeyCache.MaxBytes = long.MaxValue;
            options.DataKeyCache.MaxAge = options.ConfirmationInterval = TimeSpan.FromHours(1);
            options.MaxDegreeOfParallelism = Threads;
        });
        builder.AddKeyRing("old", ring => (ring.KeyArn, ring.Credentials) = (_customer.Key.Arn, old));
        builder.AddKeyRing("new", ring =>
        {
            (ring.KeyArn, ring.Credentials) = (_customer.NextKey.Arn, old);
            ring.PreviousKeys = [new() { KeyArn = _customer.Key.Arn, Credentials = old }];
        });
        _provider = services.BuildServiceProvider();
        _ring = _provider.GetRequiredKeyedService<IByokKeyRing>("new");
        var plaintext = new byte[Size];
        Random.Shared.NextBytes(plaintext);
        _message = await _provider.GetRequiredKeyedService<IByokKeyRing>("old").EncryptAsync(plaintext);
        _plaintext = new byte[Size];
        _output = new byte[_message.Length + 1024];
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _provider!.DisposeAsync();
        await _customer!.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "decrypt, encrypt"), BenchmarkCategory("new array")]
    public async Task<byte[]> DecryptAndEncryptAsync() => await _ring!.EncryptAsync(await _ring.DecryptAsync(_message));

    [Benchmark(Description = "re-encrypt"), BenchmarkCategory("new array")]
    public async Task<byte[]> ReencryptAsync() => await _ring!.ReencryptAsync(_message);

    [Benchmark(Baseline = true, Description = "decrypt, encrypt"), BenchmarkCategory("buffer")]
    public async Task DecryptAndEncryptIntoBufferAsync()
    {
        await _ring!.DecryptAsync(_message, new FixedBuffer(_plaintext));
        await _ring.EncryptAsync(_plaintext, new FixedBuffer(_output));
    }

    [Benchmark(Description = "re-encrypt"), BenchmarkCategory("buffer")]
    public async Task<bool> ReencryptIntoBufferAsync() => await _ring!.ReencryptAsync(_message, new FixedBuffer(_output));

    [Benchmark(Baseline = true, Description = "decrypt, encrypt"), BenchmarkCategory("stream")]
    public async Task DecryptAndEncryptStreamAsync()
    {
        await _ring!.DecryptAsync(new MemoryStream(_message), new MemoryStream(_plaintext));
        await _ring.EncryptAsync(new MemoryStream(_plaintext), new MemoryStream(_output));
    }

    [Benchmark(Description = "re-encrypt"), BenchmarkCategory("stream")]
    public async Task<bool> ReencryptStreamAsync() => await _ring!.ReencryptAsync(new MemoryStream(_message), new MemoryStream(_output));

    [Benchmark(Baseline = true, Description = "decrypt, encrypt"), BenchmarkCategory("stream in memory")]
    public async Task DecryptAndEncryptMemoryStreamAsync()
    {
        await _ring!.DecryptAsync(Source(_message), Destination(_plaintext));
        await _ring.EncryptAsync(Source(_plaintext), Destination(_output));
    }

    [Benchmark(Description = "re-encrypt"), BenchmarkCategory("stream in memory")]
    public async Task<bool> ReencryptMemoryStreamAsync() => await _ring!.ReencryptAsync(Source(_message), Destination(_output));

    /// <summary>A stream whose buffer is accessible.</summary>
    private static MemoryStream Source(byte[] bytes) => new(bytes, 0, bytes.Length, writable: false, publiclyVisible: true);

    private static MemoryStream Destination(byte[] bytes)
    {
        MemoryStream stream = new(bytes, 0, bytes.Length, writable: true, publiclyVisible: true);
        stream.SetLength(0);
        return stream;
    }

    private static ByokCredentialSettings Credentials(LocalAccessKey key) =>
        ByokCredentialSettings.AccessKeys(key.AccessKeyId, key.SecretAccessKey);

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
