using System.Security.Cryptography;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A customer's messages move to the customer's new key, in memory and from stream to stream.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class RewrapTests
{
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(150_000); // three frames

    private readonly bool _asStream;
    private KeyChange _change = null!;

    public RewrapTests(bool asStream) => _asStream = asStream;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    [Test]
    public async Task Rewrap_moves_a_message_to_the_current_key()
    {
        var message = await _change.EncryptOldAsync(Plaintext);

        var rewrapped = await RewrapAsync(_change.Both, message);

        Assert.That(_change.Calls, Is.EqualTo(_change.DecryptThenEncrypt));
        Assert.That(await _change.New.DecryptAsync(rewrapped, KeyChange.Context), Is.EqualTo(Plaintext));
        Assert.That(await _change.Both.DecryptAsync(rewrapped, KeyChange.Context), Is.EqualTo(Plaintext));
        await Assert.ThatAsync(
            async () => await _change.Old.DecryptAsync(rewrapped), Throws.TypeOf<ByokDecryptionException>().With.Message.Contains("PreviousKeys"));
    }

    [Test]
    public async Task Rewrap_writes_the_header_that_another_writer_would_and_copies_the_body()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var dataKey = await _change.OpenDataKeyAsync(message, _change.OldKey);
        var old = PlainHeader.Read(message);

        var rewrapped = await RewrapAsync(_change.Both, message);

        var blob = PlainHeader.Read(rewrapped).Keys[0].Blob;
        var expected = old with { Keys = [new PlainKey("aws-kms", _change.NewKey.Arn, blob)] };
        Assert.That(blob, Is.Not.EqualTo(old.Keys[0].Blob));
        Assert.That(rewrapped, Is.EqualTo((byte[])[.. expected.Write(PlainReader.ContentKey(dataKey, old.MessageId)), .. message[old.Length..]]));
        Assert.That(await _change.OpenDataKeyAsync(rewrapped, _change.NewKey), Is.EqualTo(dataKey), "no new data key: the body hangs on the old one");
    }

    [Test]
    public async Task Rewrap_leaves_two_header_tags_under_one_key_and_IV()
    {
        // What GCM forbids, and what cannot be otherwise while the body stays. From both headers, GCM's authentication key can be worked out without any
        // KMS key, and frames of this message forged: so the remarks of IByokKeyRing.RewrapAsync say to keep no copy of the old message.
        var message = await _change.EncryptOldAsync(Plaintext);
        var contentKey = PlainReader.ContentKey(await _change.OpenDataKeyAsync(message, _change.OldKey), PlainHeader.Read(message).MessageId);

        var before = PlainHeader.Read(message);
        var after = PlainHeader.Read(await RewrapAsync(_change.Both, message));

        var iv = new byte[12];
        Assert.That(before.Authenticated, Is.Not.EqualTo(after.Authenticated));
        Assert.That(() => PlainReader.Open(contentKey, iv, [], before.Tag, before.Authenticated), Throws.Nothing);
        Assert.That(() => PlainReader.Open(contentKey, iv, [], after.Tag, after.Authenticated), Throws.Nothing);
    }

    [Test]
    public async Task Rewrap_returns_a_current_message_as_it_is()
    {
        var message = await _change.EncryptAsync(_change.New, Plaintext);

        foreach (var ring in new[] { _change.Both, _change.New })
        {
            var rewrapped = await RewrapAsync(ring, message);

            Assert.That(rewrapped, Is.EqualTo(message).And.Not.SameAs(message));
        }

        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Rewrap_takes_a_replica_of_the_current_key_for_current()
    {
        var replica = _change.NewKey.Replicate("us-east-2");
        _change.World.User.Policy = Policies.Permissions("*");
        var ring = _change.World.Ring(ByokCredentialSettings.AccessKeysType, settings => settings.KeyArn = replica.Arn);
        var message = await _change.EncryptAsync(ring, Plaintext);
        var both = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, replica), replica, _change.NewKey);

        Assert.That(await RewrapAsync(_change.Both, message), Is.EqualTo(message));
        Assert.That(await RewrapAsync(_change.Both, both), Is.EqualTo(both), "wrapped under the key and its replica");
        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [TestCase("old, new")]
    [TestCase("new, old")]
    [TestCase("foreign, new")]
    [TestCase("new, foreign")]
    [TestCase("foreign, old")]
    public async Task Rewrap_leaves_nothing_but_the_current_key(string wrappedUnder)
    {
        var foreign = _change.World.Customer.CreateKey("eu-west-1");
        var keys = wrappedUnder.Split(", ").Select(name => name switch { "old" => _change.OldKey, "new" => _change.NewKey, _ => foreign }).ToArray();
        var message = await _change.EncryptOldAsync(Plaintext);
        message = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), keys);

        var rewrapped = await RewrapAsync(_change.Both, message);

        var first = keys.First(key => key != foreign);
        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {first.Arn}", $"Encrypt {_change.NewKey.Arn}" }));
        Assert.That(PlainHeader.Read(rewrapped).Keys.Select(key => (key.Provider, key.Info)), Is.EqualTo(new[] { ("aws-kms", _change.NewKey.Arn) }));
        Assert.That(await _change.New.DecryptAsync(rewrapped, KeyChange.Context), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task Rewrap_goes_on_to_the_next_key_when_one_is_not_usable()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        message = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), _change.OldKey, _change.NewKey);
        _change.OldKey.Disable();

        var rewrapped = await RewrapAsync(_change.Both, message);

        Assert.That(await _change.New.DecryptAsync(rewrapped), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task Rewrap_works_again_and_back()
    {
        var back = _change.World.Ring(
            new ByokKeySettings
            {
                KeyArn = _change.OldKey.Arn,
                Credentials = _change.OldCredentials,
                PreviousKeys = [new() { KeyArn = _change.NewKey.Arn, Credentials = _change.World.Settings(ByokCredentialSettings.AccessKeysType).Credentials }],
            },
            options => options.AllowedRegions = [_change.OldKey.Region]);
        var message = await _change.EncryptOldAsync(Plaintext);

        var there = await RewrapAsync(_change.Both, message);
        var home = await RewrapAsync(back, there);
        var again = await RewrapAsync(_change.Both, home);

        Assert.That(await _change.Old.DecryptAsync(home, KeyChange.Context), Is.EqualTo(Plaintext));
        Assert.That(await _change.New.DecryptAsync(again, KeyChange.Context), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task Rewrap_refuses_a_signed_message_and_what_it_says_to_do_instead_works()
    {
        var plaintext = Plaintext[..40];
        var writer = PlainWriter.Signed with { KeyArn = _change.OldKey.Arn };
        var context = PlainHeader.Read(writer.Write(plaintext).Bytes).Pairs;
        var message = (writer with { Ciphertext = await _change.WrapAsync(_change.OldKey, writer.DataKey, context) }).Write(plaintext).Bytes;

        await Assert.ThatAsync(
            () => RewrapAsync(_change.Both, message), Throws.TypeOf<NotSupportedException>().With.Message.Contains("encrypt the plaintext again"));
        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);

        var again = await _change.Both.EncryptAsync(await _change.Both.DecryptAsync(message));
        Assert.That(await _change.New.DecryptAsync(again), Is.EqualTo(plaintext));
        Assert.That(await RewrapAsync(_change.Both, again), Is.EqualTo(again), "it is current now");
    }

    [Test]
    public async Task Rewrap_never_encrypts_under_a_previous_key()
    {
        var older = _change.World.Customer.CreateKey("eu-west-1");
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
        _ = await RewrapAsync(ring, message);
        _ = await RewrapAsync(ring, oldest);

        var encrypted = _change.World.Aws.Log.Requests.Where(request => request.Operation == "Encrypt").Select(request => request.Key);
        Assert.That(encrypted, Is.EqualTo(Enumerable.Repeat(_change.NewKey.Arn, 3)));
        Assert.That(_change.World.Aws.Log.Count("Decrypt"), Is.EqualTo(2));
    }

    private Task<byte[]> RewrapAsync(IByokKeyRing ring, byte[] message) => KeyChange.RewrapAsync(ring, message, _asStream);
}
