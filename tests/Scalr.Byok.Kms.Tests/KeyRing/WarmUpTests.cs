using Moq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>What the first call of a key ring no longer costs, if the ring was prepared.</summary>
[CancelAfter(120_000)]
internal sealed class WarmUpTests
{
    private static readonly Dictionary<string, string> Context = new() { ["table"] = "variables" };

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task The_first_message_costs_no_request([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        var ring = Ring(type);

        await ring.WarmUpAsync(Context);

        var before = _world.Aws.Log.Requests.Count;
        Assert.That((before, _world.Aws.Log.Count("Encrypt")), Is.EqualTo((type == ByokCredentialSettings.AccessKeysType ? 1 : 2, 1)));
        await ring.EncryptAsync(new byte[1], Context);
        await ring.WarmUpAsync(Context);
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(before));
    }

    [Test]
    public async Task The_first_decryption_needs_no_session()
    {
        var message = await Ring("AccessKeys").EncryptAsync(new byte[1], Context);
        var ring = Ring("AssumeRole");
        await ring.WarmUpAsync();

        await ring.DecryptAsync(message);

        Assert.That((_world.Aws.Log.Count("AssumeRole"), _world.Aws.Log.Count("Decrypt")), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task Failures_are_those_of_a_call()
    {
        var ring = Ring("AssumeRole");
        _world.Key.Disable();
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();

        Assert.That(
            (await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.WarmUpAsync()))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        await Assert.ThrowsAsync<OperationCanceledException>(
            async () => await ring.WarmUpAsync(cancellationToken: cancelled.Token));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await ring.WarmUpAsync(new Dictionary<string, string> { ["scalr:tenant"] = "other" }));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await ((IByokKeyRing)null!).WarmUpAsync());
    }

    [Test]
    public async Task A_mock_of_a_key_ring_can_be_prepared()
    {
        Mock<IByokKeyRing> ring = new();

        await ring.Object.WarmUpAsync(Context);

        Assert.That(ring.Invocations.Single().Method.Name, Is.EqualTo(nameof(IByokKeyRing.EncryptAsync)));
    }

    private IByokKeyRing Ring(string type) => _world.Ring(type, options: o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
}
