using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using BenchmarkDotNet.Attributes;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>How much slower than the bare call of the AWS SDK is a whole call of the key ring, which makes or opens a data key, on the same server?</summary>
[Config(typeof(RatioConfig))]
public class FreshKeyBenchmarks
{
    private readonly byte[] _plaintext = new byte[1024];
    private DemoCustomer? _customer;
    private ServiceProvider? _provider;
    private AmazonKeyManagementServiceClient? _kms;
    private IByokKeyRing? _ring;
    private byte[] _message = [];
    private byte[] _blob = [];

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _customer = await DemoCustomer.StartAsync();
        var services = new ServiceCollection();
        services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = _customer.Aws.Endpoint;
            options.DataKeyCache.MaxAge = TimeSpan.Zero;
        })
            .AddKeyRing(customer => (customer.KeyArn, customer.Credentials) =
                (_customer.Key.Arn, ByokCredentialSettings.AccessKeys(_customer.AccessKey.AccessKeyId, _customer.AccessKey.SecretAccessKey)));
        _provider = services.BuildServiceProvider();
        _ring = _provider.GetRequiredService<IByokKeyRing>();
        _message = await _ring.EncryptAsync(_plaintext);
        _kms = new AmazonKeyManagementServiceClient(
            _customer.AccessKey.AccessKeyId,
            _customer.AccessKey.SecretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = _customer.Aws.Endpoint.AbsoluteUri, AuthenticationRegion = "us-east-1" });
        _blob = (await WrapAsync()).CiphertextBlob.ToArray();
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        _kms!.Dispose();
        await _provider!.DisposeAsync();
        await _customer!.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "bare kms:Encrypt"), BenchmarkCategory("encrypt")]
    public Task<EncryptResponse> WrapAsync() =>
        _kms!.EncryptAsync(new EncryptRequest { KeyId = _customer!.Key.Arn, Plaintext = new MemoryStream(new byte[32]) });

    [Benchmark(Description = "key ring"), BenchmarkCategory("encrypt")]
    public async Task<byte[]> EncryptAsync() => await _ring!.EncryptAsync(_plaintext);

    [Benchmark(Baseline = true, Description = "bare kms:Decrypt"), BenchmarkCategory("decrypt")]
    public Task<DecryptResponse> UnwrapAsync() =>
        _kms!.DecryptAsync(new DecryptRequest { KeyId = _customer!.Key.Arn, CiphertextBlob = new MemoryStream(_blob) });

    [Benchmark(Description = "key ring"), BenchmarkCategory("decrypt")]
    public async Task<byte[]> DecryptAsync() => await _ring!.DecryptAsync(_message);
}
