using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A ring that lives on cached data keys: what it costs, and how a customer's revocation reaches it.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class CachedKeyRingTests
{
    private static readonly int Encrypts = Repetitions.Of(debug: 10_000, release: 100_000);
    private static readonly TimeSpan ConfirmationInterval = TimeSpan.FromSeconds(60);
    private static readonly byte[] Plaintext = new byte[100];

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_thousand_cold_encrypts_at_once_cost_one_call()
    {
        var ring = Ring("AccessKeys");

        var messages = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => Task.Run(async () => await ring.EncryptAsync(Plaintext))));

        Assert.That(Count("Encrypt"), Is.EqualTo(1));
        Assert.That(
            messages.Select(message => Convert.ToHexString(message.AsSpan(3, 32))).Distinct().Count(),
            Is.EqualTo(1000),
            "each has an id, and so keys, of its own");
        await Task.WhenAll(messages.Select(message => Task.Run(async () => await ring.DecryptAsync(message))));
        Assert.That(Count("Decrypt"), Is.EqualTo(1));
    }

    [Test]
    public async Task Encrypts_by_the_thousand_in_five_minutes_cost_three_data_keys_at_most()
    {
        var ring = Ring("AccessKeys", o => o.ConfirmationInterval = o.DataKeyCache.MaxAge);
        var messages = new List<byte[]>();
        for (var i = 0; i < Encrypts; i++)
        {
            var message = await ring.EncryptAsync(Plaintext);
            if (i % 10 == 0)
            {
                messages.Add(message);
            }

            _world.Time.Advance(TimeSpan.FromMinutes(5) / Encrypts);
        }

        Assert.That(Count("Encrypt"), Is.InRange(1, 5), "three data keys at most, and a confirmation");
        foreach (var message in messages)
        {
            await ring.DecryptAsync(message);
        }

        Assert.That(Count("Decrypt"), Is.InRange(1, 5), "all decrypts");
    }

    [Test]
    public async Task A_refusal_on_any_call_ends_the_cached_keys_too()
    {
        var ring = Ring("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(message);
        _world.Key.Disable();

        await RefusedAsync(async () => await ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["another"] = "context" }));

        Assert.That(
            _world.Logs.Entries,
            Has.One.Contains("KeyDisabled. Concerned: the key. 2 cached data keys are erased"),
            "one for encryption and one for decryption");
        await RefusedAsync(async () => await ring.DecryptAsync(message));
        await RefusedAsync(async () => await ring.EncryptAsync(Plaintext));
    }

    [Test]
    public async Task Outage_grace_serves_until_it_ends()
    {
        var ring = Ring("AccessKeys", o => o.DataKeyCache.OutageGrace = TimeSpan.FromMinutes(30));
        var message = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(message);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));
        _world.Time.Advance(TimeSpan.FromMinutes(34));

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(await ring.EncryptAsync(Plaintext), Is.Not.Empty);
        _world.Time.Advance(TimeSpan.FromMinutes(2));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.DecryptAsync(message));
        Assert.That(thrown!.IsTransient, Is.True);
        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(Plaintext));
    }

    [Test]
    public async Task Rings_share_no_keys_even_under_the_same_KMS_key_and_context()
    {
        var (one, other) = (Ring("AccessKeys"), Ring("AccessKeys"));
        var message = await one.EncryptAsync(Plaintext);
        await one.DecryptAsync(message);

        await other.DecryptAsync(message);
        await other.EncryptAsync(Plaintext);

        Assert.That((Count("Encrypt"), Count("Decrypt")), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task A_message_of_another_context_or_a_changed_one_never_meets_a_cached_key()
    {
        var ring = Ring("AccessKeys");
        var context = new Dictionary<string, string> { ["a"] = "b" };
        var message = await ring.EncryptAsync(Plaintext, context);
        await ring.DecryptAsync(message, context);
        var changed = (byte[])message.Clone();
        changed[40] ^= 1; // in the encryption context

        await Assert.CatchAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(changed));
        await Assert.ThrowsAsync<ByokDecryptionException>(
            async () => await ring.DecryptAsync(message, new Dictionary<string, string> { ["a"] = "c" }));
        changed = (byte[])message.Clone();
        changed[^1] ^= 1;
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(changed));
        Assert.That(await ring.DecryptAsync(message, context), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task The_cached_key_does_not_hang_on_the_callers_buffer()
    {
        var ring = Ring("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        var buffer = (byte[])message.Clone();
        await ring.DecryptAsync(buffer);
        Array.Clear(buffer);

        _world.Time.Advance(ConfirmationInterval + TimeSpan.FromSeconds(1));

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(Count("Decrypt"), Is.LessThanOrEqualTo(3));
        Assert.That(_world.Aws.Log.Requests.Where(r => r.ErrorCode is not null), Is.Empty);
    }

    [Test]
    public async Task What_becomes_of_the_callers_context_while_a_stream_is_read_does_not_matter()
    {
        var context = new Dictionary<string, string> { ["a"] = "b" };
        using var plaintext = new SpoilingStream(Plaintext, () => context["a"] = null!);
        using var message = new MemoryStream();

        await Ring("AccessKeys").EncryptAsync(plaintext, message, context);

        Assert.That(ByokMessage.Read(message.ToArray()).EncryptionContext, Does.ContainKey("a").WithValue("b"));
    }

    private static void Permit(ByokWorld world, string? policy) =>
        world.User.Policy = world.AssumedRole.Policy = world.OidcRole.Policy = policy;

    private static async Task RefusedAsync(Func<Task> call) => await Assert.ThrowsAsync<ByokKeyUnavailableException>(call);

    private IByokKeyRing Ring(string type, Action<ByokOptions>? options = null) => _world.Ring(type, options: o =>
    {
        o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5);
        o.ConfirmationInterval = ConfirmationInterval;
        options?.Invoke(o);
    });

    private int Count(string operation) => _world.Aws.Log.Count(operation);

    private sealed class SpoilingStream(byte[] content, Action spoil) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            spoil();
            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
