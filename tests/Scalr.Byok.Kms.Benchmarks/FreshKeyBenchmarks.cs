using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using BenchmarkDotNet.Attributes;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// How much slower than the bare call of the AWS SDK is a whole call of the key ring, which makes or opens a data key, on the same server?
/// </summary>
/// <remarks>
/// LocalAws answers at once, from the same process, so without latency the ratio is one of processor time, of which the message's own
/// cryptography has its part: the rows with primitives show it. AWS KMS takes some milliseconds.
/// </remarks>
[Config(typeof(RatioConfig))]
public class FreshKeyBenchmarks
{
    private const int CallsOfEach = 8;

    private readonly Yardstick _raw = new();
    private readonly byte[] _plaintext = new byte[1024];
    private DemoCustomer? _customer;
    private ServiceProvider? _provider;
    private AmazonKeyManagementServiceClient? _kms;
    private IByokKeyRing? _ring;
    private byte[] _message = [];
    private byte[] _header = [];
    private byte[] _blob = [];
    private Yardstick.Small? _small;

    /// <summary>How many call at a time, each <see cref="CallsOfEach"/> times if there are several.</summary>
    [Params(1, 64)]
    public int Callers { get; set; }

    /// <summary>How long the server takes to answer, beyond the work it does, in milliseconds.</summary>
    [Params(0, 5, 20)]
    public int Latency { get; set; }

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
                (_customer.Key.Arn, ByokCredentialSettings.AccessKeys(
                    _customer.AccessKey.AccessKeyId, _customer.AccessKey.SecretAccessKey)));
        _provider = services.BuildServiceProvider();
        _ring = _provider.GetRequiredService<IByokKeyRing>();
        _message = await _ring.EncryptAsync(_plaintext);
        _header = MessageHeader.Read(_message, MessageOptions.Unlimited).Authenticated.ToArray();
        _small = _raw.SealSmall(_plaintext, _header);
        _kms = new AmazonKeyManagementServiceClient(
            _customer.AccessKey.AccessKeyId,
            _customer.AccessKey.SecretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = _customer.Aws.Endpoint.AbsoluteUri, AuthenticationRegion = "us-east-1" });
        _blob = (await WrapOnceAsync()).CiphertextBlob.ToArray();
        if (Latency > 0)
        {
            _customer.Aws.Faults.Add(Fault.Latency(TimeSpan.FromMilliseconds(Latency)));
        }
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        _kms!.Dispose();
        await _provider!.DisposeAsync();
        await _customer!.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "bare kms:Encrypt"), BenchmarkCategory("encrypt")]
    public Task WrapAsync() => CallAsync(WrapOnceAsync);

    [Benchmark(Description = "bare kms:Encrypt, primitives"), BenchmarkCategory("encrypt")]
    public Task WrapAndEncryptAsync() => CallAsync(async () =>
    {
        await WrapOnceAsync();
        _raw.EncryptSmall(_plaintext, _header, _message.Length);
    });

    [Benchmark(Description = "key ring"), BenchmarkCategory("encrypt")]
    public Task EncryptAsync() => CallAsync(() => _ring!.EncryptAsync(_plaintext).AsTask());

    [Benchmark(Baseline = true, Description = "bare kms:Decrypt"), BenchmarkCategory("decrypt")]
    public Task UnwrapAsync() => CallAsync(UnwrapOnceAsync);

    [Benchmark(Description = "bare kms:Decrypt, primitives"), BenchmarkCategory("decrypt")]
    public Task UnwrapAndDecryptAsync() => CallAsync(async () =>
    {
        await UnwrapOnceAsync();
        _raw.DecryptSmall(_small!, _header);
    });

    [Benchmark(Description = "key ring"), BenchmarkCategory("decrypt")]
    public Task DecryptAsync() => CallAsync(() => _ring!.DecryptAsync(_message).AsTask());

    private Task<EncryptResponse> WrapOnceAsync() =>
        _kms!.EncryptAsync(new EncryptRequest { KeyId = _customer!.Key.Arn, Plaintext = new MemoryStream(new byte[32]) });

    private Task<DecryptResponse> UnwrapOnceAsync() =>
        _kms!.DecryptAsync(new DecryptRequest { KeyId = _customer!.Key.Arn, CiphertextBlob = new MemoryStream(_blob) });

    private Task CallAsync(Func<Task> call)
    {
        return Callers == 1 ? call() : Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => RepeatAsync()));

        async Task RepeatAsync()
        {
            for (var i = 0; i < CallsOfEach; i++)
            {
                await call();
            }
        }
    }
}
