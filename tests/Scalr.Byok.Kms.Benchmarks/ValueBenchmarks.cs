using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// How much slower is a database column's value than the primitives it cannot do without, and than AES-256-GCM under a key that is there?
/// </summary>
[Config(typeof(RatioConfig))]
public class ValueBenchmarks
{
    private readonly byte[] _value = RandomNumberGenerator.GetBytes(32);
    private readonly ByokAssociatedData _place = ByokAssociatedData.For("variables", "value", "42");
    private readonly byte[] _placeBytes = ByokAssociatedData.For("variables", "value", "42").ToArray();
    private readonly byte[] _blocks = new byte[32];
    private readonly byte[] _subkey = new byte[32];
    private readonly byte[] _iv = new byte[12];
    private readonly byte[] _tag = new byte[16];
    private readonly byte[] _ciphertext = new byte[32];
    private readonly AesGcm _raw = new(new byte[32], 16);
    private DemoCustomer? _customer;
    private ServiceProvider? _provider;
    private ByokDataKey _key = null!;
    private ICryptoTransform? _aes;
    private byte[] _encrypted = [];

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _customer = await DemoCustomer.StartAsync();
        var services = new ServiceCollection();
        services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = _customer.Aws.Endpoint;
            options.DataKeyCache.MaxAge = options.ConfirmationInterval = TimeSpan.FromHours(1);
        }).AddKeyRing(customer => (customer.KeyArn, customer.Credentials) =
            (_customer.Key.Arn, ByokCredentialSettings.AccessKeys(_customer.AccessKey.AccessKeyId, _customer.AccessKey.SecretAccessKey)));
        _provider = services.BuildServiceProvider();
        _key = await _provider.GetRequiredService<IByokKeyRing>().CreateDataKeyAsync();
        using var aes = Aes.Create();
        (aes.Mode, aes.Padding) = (CipherMode.ECB, PaddingMode.None);
        _aes = aes.CreateEncryptor(new byte[32], null);
        _encrypted = _key.Encrypt(_value, _place);
        _aes.TransformBlock(_blocks, 0, 32, _subkey, 0);
        using AesGcm gcm = new(_subkey, 16);
        gcm.Encrypt(_iv, _value, _ciphertext, _tag, _placeBytes);
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _provider!.DisposeAsync();
        await _customer!.DisposeAsync();
    }

    /// <summary>24 random bytes, two blocks of AES, a cipher made and used.</summary>
    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("encrypt")]
    public byte[] RawEncrypt()
    {
        var result = GC.AllocateUninitializedArray<byte>(80);
        RandomNumberGenerator.Fill(result.AsSpan(8, 24));
        _aes!.TransformBlock(_blocks, 0, 32, _subkey, 0);
        using AesGcm gcm = new(_subkey, 16);
        gcm.Encrypt(result.AsSpan(20, 12), _value, result.AsSpan(32, 32), result.AsSpan(64, 16), _placeBytes);
        return result;
    }

    [Benchmark(Description = "value"), BenchmarkCategory("encrypt")]
    public byte[] Encrypt() => _key.Encrypt(_value, _place);

    [Benchmark(Description = "AesGcm alone"), BenchmarkCategory("encrypt")]
    public byte[] GcmEncrypt()
    {
        var result = GC.AllocateUninitializedArray<byte>(80);
        _raw.Encrypt(_iv, _value, result.AsSpan(32, 32), result.AsSpan(64, 16), _placeBytes);
        return result;
    }

    /// <summary>Two blocks of AES, a cipher made and used.</summary>
    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("decrypt")]
    public byte[] RawDecrypt()
    {
        var result = GC.AllocateUninitializedArray<byte>(32);
        _aes!.TransformBlock(_blocks, 0, 32, _subkey, 0);
        using AesGcm gcm = new(_subkey, 16);
        gcm.Decrypt(_iv, _ciphertext, _tag, result, _placeBytes);
        return result;
    }

    [Benchmark(Description = "value"), BenchmarkCategory("decrypt")]
    public byte[] Decrypt() => _key.Decrypt(_encrypted, _place);
}
