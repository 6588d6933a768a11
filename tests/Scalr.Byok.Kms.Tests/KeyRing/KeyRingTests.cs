using System.Security.Cryptography;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>The main job over the wire, for each of the three kinds of credentials.</summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class KeyRingTests
{
    private static readonly Dictionary<string, string> Context = new() { ["record"] = "variables/42", ["Größe"] = "мир" };

    private readonly string _type;
    private ByokWorld _world = null!;

    public KeyRingTests(string type) => _type = type;

    /// <summary>What a first encryption calls, in order.</summary>
    private string[] Operations => _type switch
    {
        ByokCredentialSettings.AssumeRoleType => ["AssumeRole", "Encrypt"],
        ByokCredentialSettings.OidcType => ["AssumeRoleWithWebIdentity", "Encrypt"],
        _ => ["Encrypt"],
    };

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1024)]
    [TestCase(65_536)]
    [TestCase(5_000_000, Category = "Slow")]
    public async Task Decrypt_returns_what_was_encrypted(int length)
    {
        var ring = _world.Ring(_type);
        var plaintext = RandomNumberGenerator.GetBytes(length);

        var message = await ring.EncryptAsync(plaintext, Context);
        var decrypted = await ring.DecryptAsync(message, Context);

        Assert.That(decrypted.AsSpan().SequenceEqual(plaintext)); // megabytes: NUnit compares slowly
        Assert.That(
            message.AsSpan().IndexOf(plaintext.AsSpan(0, Math.Min(length, 32))), length < 4 ? Is.GreaterThanOrEqualTo(-1) : Is.EqualTo(-1));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(1));
        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.EqualTo(1));
        Assert.That(_world.Aws.Log.Requests.Where(r => r.Service == "kms").Select(r => r.Key), Is.All.EqualTo(_world.Key.Arn));
    }

    [Test]
    public async Task Encrypt_makes_another_message_each_time()
    {
        var ring = _world.Ring(_type);

        var first = await ring.EncryptAsync(new byte[64]);
        var second = await ring.EncryptAsync(new byte[64]);

        Assert.That(first, Has.Length.EqualTo(second.Length));
        Assert.That(first.AsSpan(3, 32).SequenceEqual(second.AsSpan(3, 32)), Is.False, "message ids");
        Assert.That(first.AsSpan(^16).SequenceEqual(second.AsSpan(^16)), Is.False, "last tags");
    }

    [Test]
    public async Task Decrypt_accepts_some_of_the_pairs_or_none()
    {
        var ring = _world.Ring(_type);
        var message = await ring.EncryptAsync("abc"u8.ToArray(), Context);

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(
            await ring.DecryptAsync(message, new Dictionary<string, string> { ["record"] = "variables/42" }),
            Is.EqualTo("abc"u8.ToArray()));
    }

    [TestCase("record", "variables/43")]
    [TestCase("record", "Variables/42")]
    [TestCase("Record", "variables/42")]
    [TestCase("missing", "")]
    public async Task Decrypt_rejects_a_message_whose_context_differs(string name, string value)
    {
        var ring = _world.Ring(_type);
        var message = await ring.EncryptAsync("abc"u8.ToArray(), Context);

        await Assert.ThatAsync(
            async () => await ring.DecryptAsync(message, new Dictionary<string, string> { [name] = value }),
            Throws.TypeOf<ByokDecryptionException>().With.InnerException.Null);
        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.Zero, "no call is paid for a message that cannot be right");
    }

    [Test]
    public async Task Decrypt_rejects_a_message_whose_stored_context_was_changed()
    {
        var ring = _world.Ring(_type);
        var message = await ring.EncryptAsync("abc"u8.ToArray(), Context);
        message[message.AsSpan().IndexOf("variables/42"u8)] ^= 1;

        await Assert.ThatAsync(
            async () => await ring.DecryptAsync(message), Throws.TypeOf<ByokDecryptionException>().With.InnerException.Null);
        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.EqualTo(1), "KMS itself refuses it");
    }

    [Test]
    public async Task Decrypt_rejects_a_message_of_another_key()
    {
        var other = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = Policies.Permissions("*");
        var message = await _world.Ring(_type, s => s.KeyArn = other.Arn).EncryptAsync("abc"u8.ToArray());

        await Assert.ThatAsync(
            async () => await _world.Ring(_type).DecryptAsync(message),
            Throws.TypeOf<ByokDecryptionException>().With.Message.Contains("PreviousKeys"));
        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.Zero);
    }

    [Test]
    public async Task Decrypt_opens_messages_of_a_previous_key()
    {
        var old = _world.Customer.CreateKey("us-west-2");
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = Policies.Permissions("*");
        var message = await _world.Ring(_type, s => s.KeyArn = old.Arn, o => o.AllowedRegions = ["us-west-2"])
            .EncryptAsync("abc"u8.ToArray());

        var ring = _world.Ring(_type, s => s.PreviousKeys = [new() { KeyArn = old.Arn, Credentials = s.Credentials }]);

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
        _ = await ring.EncryptAsync("abc"u8.ToArray());
        Assert.That(_world.Aws.Log.Requests.Last(r => r.Operation == "Encrypt").Key, Is.EqualTo(_world.Key.Arn));
    }

    [Test]
    public async Task Decrypt_opens_messages_of_a_replica_of_the_same_key()
    {
        var replica = _world.Key.Replicate("us-east-2");
        replica.Release();
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = Policies.Permissions("*");
        var message = await _world.Ring(_type, s => s.KeyArn = replica.Arn).EncryptAsync("abc"u8.ToArray(), Context);

        Assert.That(await _world.Ring(_type).DecryptAsync(message, Context), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(
            _world.Aws.Log.Requests.Single(r => r.Operation == "Decrypt").Key,
            Is.EqualTo(_world.Key.Arn),
            "the configured key is named, not the message's");
    }

    [Test]
    public async Task Calls_are_refused_while_the_key_is_disabled_and_work_again_after()
    {
        var ring = _world.Ring(_type);
        var message = await ring.EncryptAsync("abc"u8.ToArray());

        _world.Key.Disable();
        var encrypt = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync("abc"u8.ToArray()));
        _world.Time.Advance(TimeSpan.FromSeconds(1)); // the first pause after a denial
        var decrypt = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));
        _world.Key.Enable();
        _world.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.That(encrypt!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(encrypt.KeyArn, Is.EqualTo(ring.KeyArn));
        Assert.That(encrypt.Operation, Is.EqualTo("kms:Encrypt"));
        Assert.That(encrypt.Region, Is.EqualTo(ByokWorld.Region));
        Assert.That(encrypt.RequestId, Is.Not.Null.And.Not.Empty);
        Assert.That(encrypt.IsTransient, Is.False);
        Assert.That(
            encrypt.Message, Is.EqualTo($"The key {_world.Key.Arn} cannot be used. The key is disabled. Enable the key in AWS KMS."));
        Assert.That(decrypt!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(decrypt.Operation, Is.EqualTo("kms:Decrypt"));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));
    }

    [Test]
    public async Task A_missing_permission_is_named()
    {
        var ring = _world.Ring(_type);
        var message = await ring.EncryptAsync("abc"u8.ToArray());

        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = Policies.Permissions(_world.Key.Arn, "kms:Decrypt");
        var refused = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync("abc"u8.ToArray()));
        Assert.That(refused!.Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));
        Assert.That(refused.Operation, Is.EqualTo("kms:Encrypt"));
        Assert.That(refused.Remedy, Does.Contain("kms:Encrypt").And.Contain(_world.Key.Arn));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));

        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = Policies.Permissions(_world.Key.Arn, "kms:Encrypt");
        refused = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));
        Assert.That((refused!.Reason, refused.Operation), Is.EqualTo((ByokKeyUnavailableReason.AccessDenied, "kms:Decrypt")));
    }

    [Test]
    public async Task A_call_that_is_cancelled_before_it_starts_calls_nobody()
    {
        var ring = _world.Ring(_type);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        await Assert.ThatAsync(
            async () => await ring.EncryptAsync(new byte[1], cancellationToken: cancelled.Token),
            Throws.InstanceOf<OperationCanceledException>().With.Property("CancellationToken").EqualTo(cancelled.Token));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_call_that_is_cancelled_under_way_ends_at_once()
    {
        foreach (var operation in Operations)
        {
            _world.Aws.Faults.Clear();
            _world.Aws.Faults.Add(Fault.BlackHole() with { Operation = operation });
            using var cancellation = new CancellationTokenSource();
            var call = _world.Ring(_type).EncryptAsync(new byte[1], cancellationToken: cancellation.Token).AsTask();
            await _world.ReceivedAsync(operation);

            await cancellation.CancelAsync();

            var thrown = await Assert.CatchAsync<OperationCanceledException>(() => call);
            Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token), operation);
        }
    }

    [Test]
    public async Task A_call_that_AWS_leaves_hanging_ends_with_its_time_limit([Values] bool stalledBody)
    {
        _world.Aws.Faults.Add((stalledBody ? Fault.StalledBody() : Fault.BlackHole()) with { Operation = "Encrypt" });
        var ring = _world.Ring(_type);
        var call = ring.EncryptAsync(new byte[1]).AsTask();
        await _world.ReceivedAsync("Encrypt");

        _world.Time.Advance(TimeSpan.FromSeconds(2));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => call);
        Assert.That(thrown!.IsTransient, Is.True);
        Assert.That(thrown.Operation, Is.EqualTo("kms:Encrypt"));
        Assert.That(thrown.Message, Does.Contain("did not finish within 2 s"));
    }

    [Test]
    public async Task A_disposed_ring_says_so()
    {
        var services = _world.Services();
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings(_type).Credentials));
        var provider = _world.Build(services);
        var ring = (IByokKeyRing)provider.GetService(typeof(IByokKeyRing))!;
        await provider.DisposeAsync();

        await Assert.ThatAsync(async () => await ring.EncryptAsync(new byte[1]), Throws.TypeOf<ObjectDisposedException>());
        await Assert.ThatAsync(async () => await ring.DecryptAsync(new byte[1]), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task A_ring_that_is_disposed_under_way_ends_the_call()
    {
        var services = _world.Services();
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings(_type).Credentials));
        var provider = _world.Build(services);
        var ring = (IByokKeyRing)provider.GetService(typeof(IByokKeyRing))!;
        var first = Operations[0];
        _world.Aws.Faults.Add(Fault.BlackHole() with { Operation = first });
        var call = ring.EncryptAsync(new byte[1]).AsTask();
        await _world.ReceivedAsync(first);

        await provider.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
    }
}
