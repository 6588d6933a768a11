using BenchmarkDotNet.Attributes;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>How much slower than the primitives it cannot do without is 1 KiB through the whole ring, whose data key is cached?</summary>
[Config(typeof(RatioConfig))]
public class CachedKeyBenchmarks
{
    private readonly Yardstick _raw = new();
    private readonly byte[] _plaintext = new byte[1024];
    private DemoCustomer? _customer;
    private ServiceProvider? _provider;
    private IByokKeyRing? _ring;
    private byte[] _message = [];
    private byte[] _header = [];
    private Yardstick.Small? _small;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _customer = await DemoCustomer.StartAsync();
        var services = new ServiceCollection();
        services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = _customer.Aws.Endpoint;
            options.DataKeyCache.MaxMessages = long.MaxValue;
            options.DataKeyCache.MaxAge = TimeSpan.FromHours(1);
        }).AddKeyRing(customer => (customer.KeyArn, customer.Credentials) =
            (_customer.Key.Arn, ByokCredentialSettings.AccessKeys(_customer.AccessKey.AccessKeyId, _customer.AccessKey.SecretAccessKey)));
        _provider = services.BuildServiceProvider();
        _ring = _provider.GetRequiredService<IByokKeyRing>();
        _message = await _ring.EncryptAsync(_plaintext);
        _header = MessageHeader.Read(_message, MessageOptions.Unlimited).Authenticated.ToArray();
        _small = _raw.SealSmall(_plaintext, _header);
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _provider!.DisposeAsync();
        await _customer!.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("encrypt")]
    public byte[] RawEncrypt() => _raw.EncryptSmall(_plaintext, _header, _message.Length);

    [Benchmark(Description = "key ring"), BenchmarkCategory("encrypt")]
    public async Task<byte[]> EncryptAsync() => await _ring!.EncryptAsync(_plaintext);

    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("decrypt")]
    public byte[] RawDecrypt() => _raw.DecryptSmall(_small!, _header);

    [Benchmark(Description = "key ring"), BenchmarkCategory("decrypt")]
    public async Task<byte[]> DecryptAsync() => await _ring!.DecryptAsync(_message);
}
