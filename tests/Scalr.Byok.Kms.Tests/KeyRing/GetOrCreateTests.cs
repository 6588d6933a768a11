using System.Collections.Concurrent;
using System.Diagnostics;
using Moq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>The first requests of a tenant, of one process or of several, end with one data key.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class GetOrCreateTests
{
    private const int Racers = 4;

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task The_first_call_makes_a_key_and_all_others_open_it()
    {
        var (ring, store, context) = (Ring(), new Store(), new Dictionary<string, string> { ["purpose"] = "columns" });
        using var made = await ring.GetOrCreateDataKeyAsync(store, "acme", context);
        using ByokDataKey opened = await ring.GetOrCreateDataKeyAsync(
            store, "acme", context), other = await ring.GetOrCreateDataKeyAsync(store, "globex", context);

        Assert.That(opened.DecryptText(made.EncryptText("abc")), Is.EqualTo("abc"));
        Assert.Throws<ByokDecryptionException>(() => other.Decrypt(made.EncryptText("abc")));
        Assert.That(store.Keys.Keys, Is.EquivalentTo(["acme", "globex"]));
        Assert.That((Count("Encrypt"), Count("Decrypt")), Is.EqualTo((2, 2)));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await ring.GetOrCreateDataKeyAsync(store, "acme", new Dictionary<string, string> { ["purpose"] = "x" }));
    }

    [Test]
    public async Task A_hundred_first_calls_at_once_end_with_one_key()
    {
        var (ring, store) = (Ring(), new Store());

        var keys = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(_ => Task.Run(async () => await ring.GetOrCreateDataKeyAsync(store, "acme"))));

        Assert.That(keys.Select(key => key.EncryptedKey.ToArray()), Is.All.EqualTo(store.Keys["acme"]));
        Assert.That(keys.Select(key => key.DecryptText(keys[0].EncryptText("abc"))), Is.All.EqualTo("abc"));
        Assert.That(store.Keys, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Who_loses_the_race_opens_the_winners_key_and_drops_its_own()
    {
        using ByokDataKey ours = ByokModelFactory.DataKey(), theirs = ByokModelFactory.DataKey();
        var store = new Store();
        var ring = new Mock<IByokKeyRing>(MockBehavior.Strict);
        ring.Setup(r => r.CreateDataKeyAsync(null, default)).Returns(() =>
        {
            store.Keys["acme"] = theirs.EncryptedKey.ToArray();
            return new(ours);
        });
        ring.Setup(r => r.OpenDataKeyAsync(It.IsAny<ReadOnlyMemory<byte>>(), null, default))
            .Returns((ReadOnlyMemory<byte> key, IReadOnlyDictionary<string, string>? _, CancellationToken _) =>
                new(ByokModelFactory.DataKey(key.Span)));

        using var got = await ring.Object.GetOrCreateDataKeyAsync(store, "acme");

        Assert.That(theirs.DecryptText(got.EncryptText("abc")), Is.EqualTo("abc"));
        Assert.Throws<ObjectDisposedException>(() => ours.EncryptText("abc"));
    }

    [Test]
    public async Task A_store_that_fails_or_contradicts_itself_keeps_no_key_open()
    {
        using ByokDataKey one = ByokModelFactory.DataKey(), other = ByokModelFactory.DataKey();
        var ring = new Mock<IByokKeyRing>();
        ring.SetupSequence(r => r.CreateDataKeyAsync(null, default))
            .Returns(new ValueTask<ByokDataKey>(one))
            .Returns(new ValueTask<ByokDataKey>(other));
        var store = new Mock<IByokDataKeyStore>();
        store.Setup(s => s.FindAsync("acme", default)).Returns(new ValueTask<byte[]?>((byte[]?)null));
        store.SetupSequence(s => s.TryAddAsync("acme", It.IsAny<byte[]>(), default))
            .Throws<TimeoutException>()
            .Returns(new ValueTask<bool>(false));

        await Assert.ThrowsAsync<TimeoutException>(async () => await ring.Object.GetOrCreateDataKeyAsync(store.Object, "acme"));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await ring.Object.GetOrCreateDataKeyAsync(store.Object, "acme"));

        Assert.Throws<ObjectDisposedException>(() => one.EncryptText("abc"));
        Assert.Throws<ObjectDisposedException>(() => other.EncryptText("abc"));
    }

    [Test]
    public async Task Racing_processes_end_with_one_key()
    {
        var folder = Directory.CreateTempSubdirectory("data-keys-");
        var processes = new List<Process>();
        try
        {
            for (var i = 0; i < Racers; i++)
            {
                processes.Add(Start(folder.FullName));
            }

            foreach (var process in processes)
            {
                Assert.That(await process.StandardOutput.ReadLineAsync(), Is.EqualTo("found nothing"));
            }

            foreach (var process in processes)
            {
                await process.StandardInput.WriteLineAsync("go on");
                await process.StandardInput.FlushAsync();
            }

            var stored = new List<string?>();
            var values = new List<string?>();
            foreach (var process in processes)
            {
                stored.Add(await process.StandardOutput.ReadLineAsync());
                values.Add(await process.StandardOutput.ReadLineAsync());
                await process.WaitForExitAsync();
            }

            Assert.That(folder.GetFiles(), Has.Length.EqualTo(1));
            var encryptedKey = await File.ReadAllBytesAsync(folder.GetFiles().Single().FullName);
            Assert.That(stored, Is.All.EqualTo(Convert.ToHexString(encryptedKey)));
            using var key = await Ring().OpenDataKeyAsync(encryptedKey);
            Assert.That(values.Select(value => key.DecryptText(Convert.FromHexString(value!))), Is.All.EqualTo("written by a process"));
            Assert.That(
                (Count("Encrypt"), Count("Decrypt")),
                Is.EqualTo((Racers, 2 * Racers)),
                "each made one, and all but one opened another's, as here");
        }
        finally
        {
            foreach (var process in processes)
            {
                process.Kill();
                process.Dispose();
            }

            folder.Delete(recursive: true);
        }
    }

    private Process Start(string folder) => ChildProcess.Start(new ProcessStartInfo(
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet",
        [
            Path.Combine(AppContext.BaseDirectory, "Scalr.Byok.Kms.Racer.dll"),
            _world.Aws.Endpoint.AbsoluteUri, _world.Key.Arn, _world.AccessKey.AccessKeyId, _world.AccessKey.SecretAccessKey, folder,
        ])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    });

    private IByokKeyRing Ring() => _world.Ring("AccessKeys", options: o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));

    private int Count(string operation) => _world.Aws.Log.Count(operation);

    private sealed class Store : IByokDataKeyStore
    {
        public ConcurrentDictionary<string, byte[]> Keys { get; } = new();

        public ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken) => new(Keys.GetValueOrDefault(name));

        public ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken) =>
            new(Keys.TryAdd(name, encryptedKey));
    }
}
