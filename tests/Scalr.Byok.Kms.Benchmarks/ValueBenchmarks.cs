using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>How much slower is a database column's value than the primitives it cannot do without, and than AES-256-GCM under a key that is there?</summary>
[Config(typeof(RatioConfig))]
public class ValueBenchmarks
{
    private readonly byte[] _value = RandomNumberGenerator.GetBytes(32);
    private readonly byte[] _place = ByokAssociatedData.For("variables", "value", "42");
    private readonly byte[] _blocks = new byte[32];
    private readonly byte[] _subkey = new byte[32];
    private readonly byte[] _iv = new byte[12];
    private readonly byte[] _tag = new byte[16];
    private readonly byte[] _ciphertext = new byte[32];
    private readonly AesGcm _raw = new(new byte[32], 16);
    private readonly ByokDataKey _key = Open();
    private ICryptoTransform? _aes;
    private byte[] _encrypted = [];

    [GlobalSetup]
    public void Setup()
    {
        using Aes aes = Aes.Create();
        (aes.Mode, aes.Padding) = (CipherMode.ECB, PaddingMode.None);
        _aes = aes.CreateEncryptor(new byte[32], null);
        _encrypted = _key.Encrypt(_value, _place);
        _aes.TransformBlock(_blocks, 0, 32, _subkey, 0);
        using AesGcm gcm = new(_subkey, 16);
        gcm.Encrypt(_iv, _value, _ciphertext, _tag, _place);
    }

    /// <summary>A data key as a ring opens it.</summary>
    private static ByokDataKey Open()
    {
        var (keys, cipher, owner) = (new OpenDataKeys(), ValueCipher.Derive(Yardstick.DataKey, "acme"u8), KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"));
        KeyOrigin origin = new(owner, new EncryptedDataKey(EncryptedDataKey.AwsKms, default, default), new Dictionary<string, string>(), TimeProvider.System.GetTimestamp());
        RingWatch watch = new(keys.Sweep, _ => Task.CompletedTask, TimeSpan.FromHours(1), TimeProvider.System, NullLogger.Instance);
        KeyTenure tenure = new(cipher, origin, new TenureTerms(TimeSpan.FromHours(1), default, TimeProvider.System, watch.Touch), keys);
        keys.TryAdd(tenure, 0);
        return new ByokDataKey(default, cipher, tenure);
    }

    /// <summary>24 random bytes, two blocks of AES, a cipher made and used.</summary>
    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("encrypt")]
    public byte[] RawEncrypt()
    {
        var result = GC.AllocateUninitializedArray<byte>(80);
        RandomNumberGenerator.Fill(result.AsSpan(8, 24));
        _aes!.TransformBlock(_blocks, 0, 32, _subkey, 0);
        using AesGcm gcm = new(_subkey, 16);
        gcm.Encrypt(result.AsSpan(20, 12), _value, result.AsSpan(32, 32), result.AsSpan(64, 16), _place);
        return result;
    }

    [Benchmark(Description = "value"), BenchmarkCategory("encrypt")]
    public byte[] Encrypt() => _key.Encrypt(_value, _place);

    [Benchmark(Description = "AesGcm alone"), BenchmarkCategory("encrypt")]
    public byte[] GcmEncrypt()
    {
        var result = GC.AllocateUninitializedArray<byte>(80);
        _raw.Encrypt(_iv, _value, result.AsSpan(32, 32), result.AsSpan(64, 16), _place);
        return result;
    }

    /// <summary>Two blocks of AES, a cipher made and used.</summary>
    [Benchmark(Baseline = true, Description = "primitives"), BenchmarkCategory("decrypt")]
    public byte[] RawDecrypt()
    {
        var result = GC.AllocateUninitializedArray<byte>(32);
        _aes!.TransformBlock(_blocks, 0, 32, _subkey, 0);
        using AesGcm gcm = new(_subkey, 16);
        gcm.Decrypt(_iv, _ciphertext, _tag, result, _place);
        return result;
    }

    [Benchmark(Description = "value"), BenchmarkCategory("decrypt")]
    public byte[] Decrypt() => _key.Decrypt(_encrypted, _place);
}
