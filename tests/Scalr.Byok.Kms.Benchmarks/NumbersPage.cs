using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using LocalAws;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// One page of numbers: the library next to raw <see cref="AesGcm"/>, ASP.NET Core data protection, the bare AWS SDK and AWS's Encryption
/// SDK for JavaScript, side by side in one run. Each number is the median of three rounds. A round measures each
/// row in slices of some milliseconds, of which the fastest counts.
/// </summary>
internal static class NumbersPage
{
    private const int Kibibyte = 1 << 10;
    private const int Mebibyte = 1 << 20;

    public static async Task RunAsync(string? path)
    {
        await using var customer = await DemoCustomer.StartAsync();
        await using var cached = Services(customer, TimeSpan.FromHours(1));
        await using var uncached = Services(customer, TimeSpan.Zero);
        var node = await NodeNumbers.StartAsync(Kibibyte, Mebibyte);
        StringBuilder page = new();
        page.AppendLine("# Numbers").AppendLine();
        page.AppendLine(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors, .NET {Environment.Version}.");
        page.AppendLine("Each round measures all rows in turn, in 25 slices of 4 ms or one call. The fastest slice counts.");
        page.AppendLine("Median of three rounds, and their range. Speed is relative to the first row of each table: higher is better.");
        List<string> summary = [];
        await AddValuesAsync(
            cached.GetRequiredService<IByokKeyRing>(), uncached.GetRequiredService<IByokKeyRing>(), page, summary);
        await AddMessagesAsync(cached.GetRequiredService<IByokKeyRing>(), node, page, summary);
        await StreamNumbers.AddAsync(page);
        await AddCallsAsync(customer, uncached.GetRequiredService<IByokKeyRing>(), page, summary);
        page.AppendLine().AppendLine("## Times faster").AppendLine();
        summary.ForEach(line => page.AppendLine("* " + line));
        Console.WriteLine(page);
        if (path is not null)
        {
            await File.WriteAllTextAsync(path, page.ToString());
        }
    }

    private static ServiceProvider Services(DemoCustomer customer, TimeSpan maxAge)
    {
        ServiceCollection services = new();
        services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = customer.Aws.Endpoint;
            (options.DataKeyCache.MaxMessages, options.DataKeyCache.MaxBytes) = (long.MaxValue, long.MaxValue);
            options.DataKeyCache.MaxAge = maxAge;
            options.ConfirmationInterval = TimeSpan.FromHours(1);
            options.MaxDegreeOfParallelism = 1;
        }).AddKeyRing(ring => (ring.KeyArn, ring.Credentials) =
            (customer.Key.Arn, ByokCredentialSettings.AccessKeys(customer.AccessKey.AccessKeyId, customer.AccessKey.SecretAccessKey)));
        return services.BuildServiceProvider();
    }

    private static async Task AddValuesAsync(IByokKeyRing ring, IByokKeyRing uncached, StringBuilder page, List<string> summary)
    {
        var value = RandomNumberGenerator.GetBytes(32);
        var place = ByokAssociatedData.For("variables", "value", "42");
        var placeBytes = place.ToArray();
        using var key = await ring.CreateDataKeyAsync();
        var encrypted = key.Encrypt(value, place);

        // The worst case for decryption: each value is the only one of its series. Without a cache, data keys share none.
        var alone = new byte[64][];
        for (var i = 0; i < alone.Length; i++)
        {
            using var other = await uncached.OpenDataKeyAsync(key.EncryptedKey);
            alone[i] = other.Encrypt(value, place);
        }

        using RawValue raw = new(value, placeBytes);
        using Protected gcm = new(EncryptionAlgorithm.AES_256_GCM, value), cbc = new(EncryptionAlgorithm.AES_256_CBC, value);
        var encryption = await Table.MeasureAsync(
            page,
            "A value of 32 bytes: encryption",
            Row.Of("AesGcm with one key and no nonce", raw.Encrypt),
            Row.Of("AesGcm with one key and a random nonce", raw.EncryptWithRandomNonce),
            Row.Of("value of a data key", () => key.Encrypt(value, place)),
            Row.Of("value of a cached data key that is opened and disposed", async () =>
            {
                using var opened = await ring.OpenDataKeyAsync(key.EncryptedKey);
                opened.Encrypt(value, place);
            }),
            Row.Of("data protection, AES-256-GCM", gcm.Encrypt),
            Row.Of("data protection, AES-256-CBC with HMAC", cbc.Encrypt));
        var decryption = await Table.MeasureAsync(
            page,
            "A value of 32 bytes: decryption",
            Row.Of("AesGcm with one key", raw.Decrypt),
            Row.Of("value of a data key, neighbours of one series", () => key.Decrypt(encrypted, place)),
            Row.Of("value of a data key, each of another series", i => key.Decrypt(alone[i % alone.Length], place)),
            Row.Of("data protection, AES-256-GCM", gcm.Decrypt),
            Row.Of("data protection, AES-256-CBC with HMAC", cbc.Decrypt));
        using RawValue second = new(value, placeBytes);
        await Table.MeasureAsync(
            page,
            "A value of 32 bytes: encryption on two threads, time per value of both",
            new Row("AesGcm, 1 thread", (_, i) => Call(raw.Encrypt, i)),
            new Row("AesGcm with a key per thread, 2 threads", (thread, i) => Call(thread == 0 ? raw.Encrypt : second.Encrypt, i))
            {
                Threads = 2,
            },
            new Row("value, 1 thread", (_, i) => Call(() => key.Encrypt(value, place), i)),
            new Row("value, 2 threads", (_, i) => Call(() => key.Encrypt(value, place), i)) { Threads = 2 });
        summary.Add(
            $"Encryption of a value of 32 bytes: {encryption.Faster(2, 4)} times as fast as ASP.NET Core data protection (AES-256-GCM).");
        summary.Add($"Decryption of such values: {decryption.Faster(1, 3)} times as fast.");
    }

    private static async Task AddMessagesAsync(IByokKeyRing ring, NodeNumbers node, StringBuilder page, List<string> summary)
    {
        // Two, because chunks are numbered in the associated data, and small messages are not.
        using Yardstick raw = new(), chunked = new();
        foreach (var (size, name) in new[] { (Kibibyte, "1 KiB"), (Mebibyte, "1 MiB") })
        {
            var plaintext = RandomNumberGenerator.GetBytes(size);
            var message = await ring.EncryptAsync(plaintext);
            var header = MessageHeader.Read(message, MessageOptions.Unlimited).Authenticated.ToArray();
            var small = raw.SealSmall(plaintext, header);
            var chunks = chunked.Seal(plaintext, 65_536);
            var memory = new byte[ByokMessage.GetMaxEncryptedLength(size)];
            var opened = new byte[size];
            var encryption = await Table.MeasureAsync(
                page,
                $"A message of {name}: encryption, cached data key, one thread",
                size == Kibibyte
                    ? Row.Of("the message's primitives", () => raw.EncryptSmall(plaintext, header, message.Length))
                    : Row.Of("AesGcm, into an array", () => chunked.Encrypt(plaintext, memory, 65_536)),
                Row.Of("key ring, new array", async () => await ring.EncryptAsync(plaintext)),
                Row.Of("key ring, into memory", async () => await ring.EncryptAsync(plaintext, memory.AsMemory())),
                node.Row($"encrypt {size}"));
            var decryption = await Table.MeasureAsync(
                page,
                $"A message of {name}: decryption, cached data key, one thread",
                size == Kibibyte
                    ? Row.Of("the message's primitives", () => raw.DecryptSmall(small, header))
                    : Row.Of("AesGcm, into an array", () => chunked.Decrypt(chunks, opened, 65_536)),
                Row.Of("key ring, new array", async () => await ring.DecryptAsync(message)),
                Row.Of("key ring, into memory", async () => await ring.DecryptAsync(message, opened.AsMemory())),
                node.Row($"decrypt {size}"));
            summary.Add(
                $"A message of {name} in memory of the caller: encryption {encryption.Faster(2, 3)} times and decryption "
                + $"{decryption.Faster(2, 3)} times as fast as AWS's Encryption SDK for JavaScript.");
            if (size == Mebibyte)
            {
                summary.Add(
                    $"1 MiB against AesGcm alone: encryption {encryption.Faster(2, 0)} times and decryption "
                    + $"{decryption.Faster(2, 0)} times as fast.");
            }
        }
    }

    private static async Task AddCallsAsync(DemoCustomer customer, IByokKeyRing ring, StringBuilder page, List<string> summary)
    {
        using AmazonKeyManagementServiceClient kms = new(
            customer.AccessKey.AccessKeyId,
            customer.AccessKey.SecretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = customer.Aws.Endpoint.AbsoluteUri, AuthenticationRegion = "us-east-1" });
        var plaintext = new byte[Kibibyte];
        var calls = await Table.MeasureAsync(
            page,
            "A message of 1 KiB with a call to AWS KMS each (a local server that answers at once)",
            Row.Of("bare kms:Encrypt of the AWS SDK", async () => await kms.EncryptAsync(
                new EncryptRequest { KeyId = customer.Key.Arn, Plaintext = new MemoryStream(new byte[32]) })),
            Row.Of("key ring without a cache", async () => await ring.EncryptAsync(plaintext)));
        summary.Add($"A call that needs AWS KMS: {calls.Faster(1, 0)} times as fast as the AWS SDK's own call without network.");
    }

    private static Task Call(Action work, int count)
    {
        for (var i = 0; i < count; i++)
        {
            work();
        }

        return Task.CompletedTask;
    }

    /// <summary>A value under raw AES-GCM.</summary>
    private sealed class RawValue(byte[] value, byte[] place) : IDisposable
    {
        private readonly AesGcm _aes = new(new byte[32], 16);
        private readonly byte[] _nonce = new byte[12];
        private readonly byte[] _written = new byte[80];

        public void Encrypt()
        {
            var result = GC.AllocateUninitializedArray<byte>(80);
            _aes.Encrypt(_nonce, value, result.AsSpan(32, 32), result.AsSpan(64, 16), place);
            result.AsSpan(32).CopyTo(_written.AsSpan(32));
        }

        public void EncryptWithRandomNonce()
        {
            var result = GC.AllocateUninitializedArray<byte>(80);
            RandomNumberGenerator.Fill(result.AsSpan(20, 12));
            _aes.Encrypt(result.AsSpan(20, 12), value, result.AsSpan(32, 32), result.AsSpan(64, 16), place);
        }

        public void Decrypt() => _aes.Decrypt(
            _nonce, _written.AsSpan(32, 32), _written.AsSpan(64, 16), GC.AllocateUninitializedArray<byte>(32), place);

        public void Dispose() => _aes.Dispose();
    }

    /// <summary>A value under ASP.NET Core data protection.</summary>
    private sealed class Protected : IDisposable
    {
        private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("byok-page-");
        private readonly ServiceProvider _services;
        private readonly IDataProtector _protector;
        private readonly byte[] _value;
        private readonly byte[] _protected;

        public Protected(EncryptionAlgorithm algorithm, byte[] value)
        {
            ServiceCollection services = new();
            services.AddDataProtection().PersistKeysToFileSystem(_keys).UseCryptographicAlgorithms(
                new AuthenticatedEncryptorConfiguration { EncryptionAlgorithm = algorithm });
            _services = services.BuildServiceProvider();
            _protector = _services.GetRequiredService<IDataProtectionProvider>().CreateProtector("variables", "value", "42");
            _value = value;
            _protected = _protector.Protect(value);
        }

        public void Encrypt() => _protector.Protect(_value);

        public void Decrypt() => _protector.Unprotect(_protected);

        public void Dispose()
        {
            _services.Dispose();
            _keys.Delete(recursive: true);
        }
    }
}
