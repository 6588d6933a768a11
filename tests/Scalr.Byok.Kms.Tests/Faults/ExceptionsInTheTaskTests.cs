using System.Buffers;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokCredentialSettings;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 24: whether an exception was thrown at the call or came in the task depended on tracing.</summary>
[CancelAfter(120_000)]
internal sealed class ExceptionsInTheTaskTests
{
    private static readonly Dictionary<string, string> Context = new() { ["kind"] = "good" };
    private static readonly Dictionary<string, string> OtherContext = new() { ["kind"] = "other" };

    private static readonly Dictionary<string, Member> Members = new()
    {
        ["Encrypt"] = (ring, message, context, token) => ring.EncryptAsync(message, context, token).AsTask(),
        ["Encrypt into a buffer"] = (ring, message, context, token) =>
            ring.EncryptAsync(message, new ArrayBufferWriter<byte>(), context, token).AsTask(),
        ["Encrypt a stream"] = (ring, message, context, token) =>
            ring.EncryptAsync(new MemoryStream(message), new MemoryStream(), context, token),
        ["Decrypt"] = (ring, message, context, token) => ring.DecryptAsync(message, context, token).AsTask(),
        ["Decrypt into a buffer"] = (ring, message, context, token) =>
            ring.DecryptAsync(message, new ArrayBufferWriter<byte>(), context, token).AsTask(),
        ["Decrypt a stream"] = (ring, message, context, token) =>
            ring.DecryptAsync(new MemoryStream(message), new MemoryStream(), context, token),
        ["Reencrypt"] = (ring, message, context, token) => ring.ReencryptAsync(message, cancellationToken: token).AsTask(),
        ["Reencrypt into a buffer"] = (ring, message, context, token) =>
            ring.ReencryptAsync(message, new ArrayBufferWriter<byte>(), cancellationToken: token).AsTask(),
        ["Reencrypt a stream"] = (ring, message, context, token) =>
            ring.ReencryptAsync(new MemoryStream(message), new MemoryStream(), cancellationToken: token),
        ["CreateDataKey"] = (ring, message, context, token) => ring.CreateDataKeyAsync(context, token).AsTask(),
        ["OpenDataKey"] = (ring, message, context, token) => ring.OpenDataKeyAsync(message, context, token).AsTask(),
        ["Probe"] = (ring, message, context, token) => ring.ProbeAsync(token),
    };

    private ByokWorld _world = null!;

    private delegate Task Member(IByokKeyRing ring, byte[] message, Dictionary<string, string> context, CancellationToken token);

    private static IEnumerable<string> Names => Members.Keys;

    private static IEnumerable<string> Callers =>
        Names.Where(name => name != "Probe");

    private static IEnumerable<string> Readers =>
        Names.Where(name => name.StartsWith("Decrypt", StringComparison.Ordinal) || name == "OpenDataKey");

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task EndHostsAsync()
    {
        _world.Key.Enable();
        await _world.EndHostsAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public void The_table_has_every_member() =>
        Assert.That(Members, Has.Count.EqualTo(typeof(IByokKeyRing).GetMethods().Count(
            method => method.Name.EndsWith("Async", StringComparison.Ordinal))));

    // Fault 24, for every member.
    [Test]
    public async Task A_cancelled_token([ValueSource(nameof(Names))] string member, [Values] bool isTraced, [Values] bool isTenant)
    {
        using var listener = isTraced ? new TelemetryRecord() : null;
        var (ring, _) = await RingAsync(isTenant);

        await DemandAsync<OperationCanceledException>(
            () => Members[member](ring, new byte[1], Context, new CancellationToken(canceled: true)));
    }

    // Fault 24, for every member.
    [Test]
    public async Task A_disposed_ring([ValueSource(nameof(Names))] string member, [Values] bool isTraced, [Values] bool isTenant)
    {
        using var listener = isTraced ? new TelemetryRecord() : null;
        var (ring, owner) = await RingAsync(isTenant);
        await owner.DisposeAsync();

        await DemandAsync<ObjectDisposedException>(() => Members[member](ring, new byte[1], Context, default));
    }

    // Fault 24: what is no message, and what the ring may not read.
    [Test]
    public async Task A_message_that_cannot_be_read(
        [ValueSource(nameof(Readers))] string member, [Values] bool isTraced, [Values] bool isTenant, [Values] bool isDamaged)
    {
        using var listener = isTraced ? new TelemetryRecord() : null;
        var (ring, _) = await RingAsync(isTenant);
        var message = isDamaged ? new byte[100] : await MessageAsync(ring, member);

        await DemandAsync<ByokDecryptionException>(() => Members[member](ring, message, isDamaged ? Context : OtherContext, default));
    }

    // Fault 24: bytes that are no message.
    [Test]
    public async Task A_message_that_cannot_be_encrypted_again(
        [Values("Reencrypt", "Reencrypt into a buffer", "Reencrypt a stream")] string member,
        [Values] bool isTraced,
        [Values] bool isTenant)
    {
        using var listener = isTraced ? new TelemetryRecord() : null;
        var (ring, _) = await RingAsync(isTenant);

        await DemandAsync<ByokDecryptionException>(() => Members[member](ring, new byte[100], Context, default));
    }

    // Fault 24: a denial. A probe reports the denial.
    [Test]
    public async Task A_denied_key([ValueSource(nameof(Callers))] string member, [Values] bool isTraced, [Values] bool isTenant)
    {
        using var listener = isTraced ? new TelemetryRecord() : null;
        var (ring, _) = await RingAsync(isTenant);
        var message = await MessageAsync(ring, member);
        _world.Key.Disable();

        await DemandAsync<ByokKeyUnavailableException>(() => Members[member](ring, message, Context, default));
    }

    // Fault 24: the provider itself.
    [Test]
    public async Task A_provider_that_finds_no_ring([Values] bool isTraced, [Values] bool isCancelled)
    {
        using var listener = isTraced ? new TelemetryRecord() : null;
        var host = new TenantHost(_world);

        if (isCancelled)
        {
            await DemandAsync<OperationCanceledException>(
                () => host.Rings.GetKeyRingAsync("acme", new CancellationToken(canceled: true)).AsTask());
        }
        else
        {
            await DemandAsync<ByokTenantNotFoundException>(() => host.Rings.GetKeyRingAsync("unknown").AsTask());
        }
    }

    private static async Task<byte[]> MessageAsync(IByokKeyRing ring, string member)
    {
        if (member != "OpenDataKey")
        {
            return await ring.EncryptAsync(new byte[1], Context);
        }

        using var key = await ring.CreateDataKeyAsync(Context);
        return key.EncryptedKey.ToArray();
    }

    private static async Task DemandAsync<TException>(Func<Task> call)
        where TException : Exception
    {
        Task? task = null;
        Assert.DoesNotThrow(() => task = call(), "the exception belongs in the task");
        await Assert.CatchAsync<TException>(() => task!);
    }

    private async Task<(IByokKeyRing Ring, IAsyncDisposable Owner)> RingAsync(bool isTenant)
    {
        if (isTenant)
        {
            var host = new TenantHost(_world);
            host.Store["acme"] = _world.Settings(AccessKeysType);
            return (await host.GetAsync("acme"), host.Services);
        }

        var ring = _world.Ring(AccessKeysType);
        return (ring, new Owner((IDisposable)ring));
    }

    private sealed class Owner(IDisposable owned) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            owned.Dispose();
            return default;
        }
    }
}
