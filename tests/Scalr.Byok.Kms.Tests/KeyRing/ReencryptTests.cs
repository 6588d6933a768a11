using System.Buffers;
using System.Security.Cryptography;
using LocalAws;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A customer's messages move to the customer's new key, in memory and from stream to stream.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class ReencryptTests
{
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(150_000); // three frames

    private readonly bool _asStream;
    private KeyChange _change = null!;

    public ReencryptTests(bool asStream) => _asStream = asStream;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    [Test]
    public async Task Reencrypt_moves_a_message_to_the_current_key()
    {
        var message = await _change.EncryptOldAsync(Plaintext);

        var reencrypted = await ReencryptAsync(_change.Both, message);

        Assert.That(_change.Calls, Is.EqualTo(_change.DecryptThenEncrypt));
        Assert.That((await _change.New.DecryptAsync(reencrypted, KeyChange.Context)).AsSpan().SequenceEqual(Plaintext));
        Assert.That((await _change.Both.DecryptAsync(reencrypted, KeyChange.Context)).AsSpan().SequenceEqual(Plaintext));
        await Assert.ThatAsync(
            async () => await _change.Old.DecryptAsync(reencrypted),
            Throws.TypeOf<ByokDecryptionException>().With.Message.Contains("PreviousKeys"));
    }

    [Test]
    public async Task Reencrypt_shares_no_key_and_no_IV_with_the_old_message([Values] ByokReencryptWhen policy)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var oldKey = await _change.OpenDataKeyAsync(message, _change.OldKey);
        var old = PlainHeader.Read(message);

        var moved = await KeyChange.ReencryptAsync(_change.Both, message, _asStream, policy);

        var header = PlainHeader.Read(moved);
        var newKey = await _change.OpenDataKeyAsync(moved, _change.NewKey);
        Assert.That((newKey, header.MessageId, header.Commitment), Is.Not.EqualTo((oldKey, old.MessageId, old.Commitment)));
        Assert.That(newKey, Is.Not.EqualTo(oldKey));
        Assert.That(header.MessageId, Is.Not.EqualTo(old.MessageId));
        Assert.That(
            PlainReader.ContentKey(newKey, header.MessageId), Is.Not.EqualTo(PlainReader.ContentKey(oldKey, old.MessageId)));
        Assert.That(header.Context, Is.EqualTo(old.Context), "the pairs stay");
    }

    [Test]
    public async Task Reencrypt_gives_no_means_to_forge_a_frame()
    {
        var message = await _change.EncryptOldAsync(new byte[16]); // one block in one frame
        var moved = await ReencryptAsync(_change.Both, message);

        // The control: a second header over the same body, as if only the encrypted data key had been replaced.
        var weak = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), _change.NewKey);
        Assert.That(await ForgeAsync(message, weak), Is.EqualTo(2), "the attack works on both where key and IV are shared");

        Assert.That(await ForgeAsync(message, moved), Is.Zero);
        Assert.That(await ForgeAsync(moved, weak), Is.EqualTo(0));
    }

    [Test]
    public async Task Reencrypt_returns_a_current_message_as_it_is()
    {
        var message = await _change.EncryptAsync(_change.New, Plaintext);

        foreach (var ring in new[] { _change.Both, _change.New })
        {
            var reencrypted = await ReencryptAsync(ring, message);

            Assert.That(reencrypted.AsSpan().SequenceEqual(message) && reencrypted != message);
        }

        Assert.That(
            _change.Calls, Is.EqualTo(Enumerable.Repeat($"Decrypt {_change.NewKey.Arn}", 2)), "each ring authenticates the header");
    }

    [Test]
    public async Task Reencrypt_takes_a_replica_of_the_current_key_for_current()
    {
        var replica = _change.NewKey.Replicate("us-east-2");
        _change.World.User.Policy = Policies.Permissions("*");
        var ring = _change.World.Ring(ByokCredentialSettings.AccessKeysType, settings => settings.KeyArn = replica.Arn);
        var message = await _change.EncryptAsync(ring, Plaintext);
        var both = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, replica), replica, _change.NewKey);

        Assert.That((await ReencryptAsync(_change.Both, message)).AsSpan().SequenceEqual(message));
        Assert.That(await ReencryptAsync(_change.Both, both), Is.EqualTo(both), "wrapped under the key and its replica");
        Assert.That(_change.World.Aws.Log.Count("Encrypt"), Is.Zero);
    }

    [TestCase("old, new")]
    [TestCase("new, old")]
    [TestCase("foreign, new")]
    [TestCase("new, foreign")]
    [TestCase("foreign, old")]
    public async Task Reencrypt_leaves_nothing_but_the_current_key(string wrappedUnder)
    {
        var foreign = _change.World.Customer.CreateKey("eu-west-1");
        var keys = wrappedUnder.Split(", ")
            .Select(name => name switch { "old" => _change.OldKey, "new" => _change.NewKey, _ => foreign }).ToArray();
        var message = await _change.EncryptOldAsync(Plaintext);
        message = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), keys);

        var reencrypted = await ReencryptAsync(_change.Both, message);

        var first = keys.First(key => key != foreign);
        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {first.Arn}", $"Encrypt {_change.NewKey.Arn}" }));
        Assert.That(
            PlainHeader.Read(reencrypted).Keys.Select(key => (key.Provider, key.Info)),
            Is.EqualTo(new[] { ("aws-kms", _change.NewKey.Arn) }));
        Assert.That((await _change.New.DecryptAsync(reencrypted, KeyChange.Context)).AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task Reencrypt_goes_on_to_the_next_key_when_one_is_not_usable()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        message = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), _change.OldKey, _change.NewKey);
        _change.OldKey.Disable();

        var reencrypted = await ReencryptAsync(_change.Both, message);

        Assert.That((await _change.New.DecryptAsync(reencrypted)).AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task Reencrypt_works_again_and_back()
    {
        var back = _change.World.Ring(
            new ByokKeySettings
            {
                KeyArn = _change.OldKey.Arn,
                Credentials = _change.OldCredentials,
                PreviousKeys = [new()
                {
                    KeyArn = _change.NewKey.Arn,
                    Credentials = _change.World.Settings(ByokCredentialSettings.AccessKeysType).Credentials,
                }],
            });
        var message = await _change.EncryptOldAsync(Plaintext);

        var there = await ReencryptAsync(_change.Both, message);
        var home = await ReencryptAsync(back, there);
        var again = await ReencryptAsync(_change.Both, home);

        Assert.That((await _change.Old.DecryptAsync(home, KeyChange.Context)).AsSpan().SequenceEqual(Plaintext));
        Assert.That((await _change.New.DecryptAsync(again, KeyChange.Context)).AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task Reencrypt_makes_a_message_without_signature_of_a_signed_one()
    {
        var message = await SignedAsync(_change.OldKey, Plaintext[..40]);

        var moved = await ReencryptAsync(_change.Both, message);

        var header = ByokMessage.Read(moved);
        Assert.That((header.IsSigned, header.AlgorithmSuiteId), Is.EqualTo((false, 0x0478)));
        Assert.That(header.EncryptionContext, Is.EqualTo(new Dictionary<string, string> { ["purpose"] = "example" }));
        Assert.That(await _change.New.DecryptAsync(moved), Is.EqualTo(Plaintext[..40]));
        Assert.That(await ReencryptAsync(_change.Both, moved), Is.EqualTo(moved), "it is current now");
    }

    [Test]
    public async Task Reencrypt_changes_the_format_of_a_current_message_if_it_is_asked_to()
    {
        var signed = await SignedAsync(_change.NewKey, Plaintext[..40]);
        var small = await _change.Ring(options => options.FrameLength = 1_000).EncryptAsync(Plaintext);
        var own = await _change.Both.EncryptAsync(Plaintext);
        foreach (var message in new[] { signed, small })
        {
            Assert.That((await ReencryptAsync(_change.Both, message)).AsSpan().SequenceEqual(message));
            Assert.That(_change.Both.NeedsReencryption(message), Is.False);
            Assert.That(_change.Both.NeedsReencryption(message, ByokReencryptWhen.FormatDiffers), Is.True);

            var moved = await KeyChange.ReencryptAsync(_change.Both, message, _asStream, ByokReencryptWhen.FormatDiffers);

            Assert.That((ByokMessage.Read(moved).IsSigned, ByokMessage.Read(moved).FrameLength), Is.EqualTo((false, 65_536L)));
            Assert.That(await _change.New.DecryptAsync(moved), Is.EqualTo(await _change.New.DecryptAsync(message)));
        }

        Assert.That(await KeyChange.ReencryptAsync(_change.Both, own, _asStream, ByokReencryptWhen.FormatDiffers), Is.EqualTo(own));
    }

    [Test]
    public async Task Reencrypt_of_any_message_takes_another_data_key_than_the_one_it_encrypts_with()
    {
        var ring = _change.Ring(options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var message = await _change.EncryptAsync(ring, Plaintext);
        Assert.That(ring.NeedsReencryption(message, ByokReencryptWhen.Always), Is.True);

        var moved = await KeyChange.ReencryptAsync(ring, message, _asStream, ByokReencryptWhen.Always);

        Assert.That(
            _change.Calls, Is.EqualTo(new[] { $"Decrypt {_change.NewKey.Arn}", $"Encrypt {_change.NewKey.Arn}" }), "not the cached one");
        Assert.That(
            await _change.OpenDataKeyAsync(moved, _change.NewKey), Is.Not.EqualTo(await _change.OpenDataKeyAsync(message, _change.NewKey)));
        Assert.That((await _change.New.DecryptAsync(moved)).AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task Reencrypt_of_many_messages_costs_one_call_for_each_data_key([Values] bool isCached)
    {
        var ring = _change.Ring(options => options.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        var old = _change.World.Ring(
            new ByokKeySettings { KeyArn = _change.OldKey.Arn, Credentials = _change.OldCredentials },
            options => (options.AllowedRegions, options.DataKeyCache.MaxAge) = ([_change.OldKey.Region], TimeSpan.FromMinutes(5)));
        var messages = new List<byte[]>();
        for (var i = 0; i < 20; i++)
        {
            messages.Add(await _change.EncryptAsync(old, [(byte)i])); // all under one data key
        }

        foreach (var message in messages)
        {
            await ReencryptAsync(ring, message);
        }

        var (decrypts, encrypts) = (_change.World.Aws.Log.Count("Decrypt"), _change.World.Aws.Log.Count("Encrypt"));
        Assert.That((decrypts, encrypts), Is.EqualTo(isCached ? (1, 1) : (20, 20)));
    }

    [Test]
    public async Task NeedsReencryption_answers_by_the_header_without_a_call()
    {
        var (old, current) = (await _change.EncryptOldAsync(Plaintext), await _change.EncryptAsync(_change.New, Plaintext));
        var (head, short1) = (old[..PlainHeader.Read(old).Length], old[..(PlainHeader.Read(old).Length - 1)]);

        Assert.That(_change.Both.NeedsReencryption(old), Is.True);
        Assert.That(_change.Both.NeedsReencryption(head), Is.True, "the header is enough");
        Assert.That(_change.Both.NeedsReencryption(ByokMessage.Read(old)), Is.True);
        Assert.That(_change.Both.NeedsReencryption(current), Is.False);
        Assert.That(_change.Both.NeedsReencryption(ByokMessage.Read(current)), Is.False);
        Assert.That(_change.Both.NeedsReencryption(ByokMessage.Read(current), ByokReencryptWhen.Always), Is.True);
        Assert.That(_change.New.NeedsReencryption(old), Is.True, "also if the ring cannot decrypt it");
        Assert.That(() => _change.Both.NeedsReencryption(short1), Throws.TypeOf<ByokDecryptionException>());
        Assert.That(
            () => _change.Both.NeedsReencryption(old, (ByokReencryptWhen)3), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task NeedsReencryption_compares_the_format_with_that_of_the_ring()
    {
        var current = await _change.EncryptAsync(_change.New, Plaintext);
        var other = await _change.EncryptAsync(_change.Ring(options => options.FrameLength = 4096), Plaintext);

        foreach (var (message, differs) in ((byte[], bool)[])[(current, false), (other, true)])
        {
            Assert.That(_change.Both.NeedsReencryption(message, ByokReencryptWhen.FormatDiffers), Is.EqualTo(differs));
            Assert.That(
                _change.Both.NeedsReencryption(ByokMessage.Read(message), ByokReencryptWhen.FormatDiffers), Is.EqualTo(differs));
            Assert.That(_change.Both.NeedsReencryption(message, ByokReencryptWhen.KeyDiffers), Is.False);
        }
    }

    [Test]
    public async Task Reencrypt_into_a_buffer_tells_whether_it_moved_the_message()
    {
        var (old, current) = (await _change.EncryptOldAsync(Plaintext), await _change.EncryptAsync(_change.New, Plaintext));
        ArrayBufferWriter<byte> moved = new(), same = new(), failed = new();

        Assert.That(await _change.Both.ReencryptAsync(old, moved), Is.True);
        Assert.That(await _change.Both.ReencryptAsync(current, same), Is.False);
        await Assert.ThatAsync(
            async () => await _change.Both.ReencryptAsync(old.AsMemory(..^1), failed), Throws.TypeOf<ByokDecryptionException>());

        Assert.That((await _change.New.DecryptAsync(moved.WrittenMemory)).AsSpan().SequenceEqual(Plaintext));
        Assert.That(same.WrittenSpan.SequenceEqual(current), Is.True);
        Assert.That(failed.WrittenCount, Is.Zero);
    }

    [Test]
    public async Task Reencrypt_rejects_a_policy_that_does_not_exist() => await Assert.ThatAsync(
        async () => await KeyChange.ReencryptAsync(
            _change.Both, await _change.EncryptOldAsync(Plaintext), _asStream, (ByokReencryptWhen)(-1)),
        Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public async Task Reencrypt_never_encrypts_under_a_previous_key()
    {
        var older = _change.World.Customer.CreateKey("us-east-2");
        _change.World.User.Policy = Policies.Permissions("*");
        var settings = _change.World.Settings(ByokCredentialSettings.AccessKeysType);
        foreach (var key in new[] { _change.OldKey, older })
        {
            settings.PreviousKeys.Add(new() { KeyArn = key.Arn, Credentials = settings.Credentials });
        }

        var ring = _change.World.Ring(settings);
        var message = await _change.EncryptOldAsync(Plaintext);
        var oldest = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), older, _change.OldKey);

        _ = await ring.EncryptAsync(Plaintext);
        _ = await ReencryptAsync(ring, message);
        _ = await ReencryptAsync(ring, oldest);

        var encrypted = _change.World.Aws.Log.Requests.Where(request => request.Operation == "Encrypt").Select(request => request.Key);
        Assert.That(encrypted, Is.EqualTo(Enumerable.Repeat(_change.NewKey.Arn, 3)));
        Assert.That(_change.World.Aws.Log.Count("Decrypt"), Is.EqualTo(2));
    }

    /// <summary>Changes the content of both messages, and tries each authentication key that their headers suggest.</summary>
    /// <returns>The number of forgeries that the ring took for authentic.</returns>
    private async Task<int> ForgeAsync(byte[] first, byte[] second)
    {
        var (one, two) = (PlainHeader.Read(first), PlainHeader.Read(second));
        var forged = 0;
        foreach (var key in GcmForgery.FindAuthenticationKeys(one.Authenticated, one.Tag, two.Authenticated, two.Tag))
        {
            foreach (var target in new[] { first, second })
            {
                byte[] message = [.. target];
                message[^32] ^= 1; // the content of the final frame: 16 bytes, then the tag
                GcmForgery.Correct(message.AsSpan(^16..), key);
                try
                {
                    forged += (await _change.Both.DecryptAsync(message))[0];
                }
                catch (ByokDecryptionException)
                {
                    // not this key
                }
            }
        }

        return forged;
    }

    private async Task<byte[]> SignedAsync(LocalKey key, byte[] plaintext)
    {
        var writer = PlainWriter.Signed with { KeyArn = key.Arn };
        var context = PlainHeader.Read(writer.Write(plaintext).Bytes).Pairs;
        return (writer with { Ciphertext = await _change.WrapAsync(key, writer.DataKey, context) }).Write(plaintext).Bytes;
    }

    private Task<byte[]> ReencryptAsync(IByokKeyRing ring, byte[] message) => KeyChange.ReencryptAsync(ring, message, _asStream);
}
