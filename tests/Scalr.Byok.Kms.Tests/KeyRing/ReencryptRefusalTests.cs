using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>What is not encrypted again, why, and what it costs. Nothing is wrapped for a message whose header is not authentic.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class ReencryptRefusalTests
{
    private const int FrameLength = 16;
    private const int RegularFrame = 4 + 12 + FrameLength + 16;

    // Two regular frames and a final one of 12 bytes.
    private static readonly byte[] Plaintext = Encoding.ASCII.GetBytes("The quick brown fox jumps over the lazy dog.");

    private readonly bool _asStream;
    private KeyChange _change = null!;
    private byte[] _message = null!;
    private int _body;

    public ReencryptRefusalTests(bool asStream) => _asStream = asStream;

    private static IEnumerable<TestCaseData> Bodies()
    {
        yield return Case("left out", _ => []);
        yield return Case("cut in the first head", body => body[..10]);
        yield return Case("cut behind the first head", body => body[..16]);
        yield return Case("cut behind the first frame", body => body[..RegularFrame]);
        yield return Case("without its final frame", body => body[..(2 * RegularFrame)]);
        yield return Case("cut in the final frame's head", body => body[..((2 * RegularFrame) + 39)]);
        yield return Case("cut by one byte", body => body[..^1]);
        yield return Case("with a byte behind it", body => [.. body, 0]);
        yield return Case("with more than a buffer behind it", body => [.. body, .. new byte[200_000]]);
        yield return Case("with its final frame twice", body => [.. body, .. body[(2 * RegularFrame)..]]);
        yield return Case("with a frame left out", body => body[RegularFrame..]);
        yield return Case(
            "with its frames exchanged",
            body => [.. body[RegularFrame..(2 * RegularFrame)], .. body[..RegularFrame], .. body[(2 * RegularFrame)..]]);
        yield return Case(
            "whose final frame is longer than frames are",
            body => [.. body[..((2 * RegularFrame) + 20)], 0, 0, 0, 17, .. body[^28..], .. new byte[5]]);

        static TestCaseData Case(string what, Func<byte[], byte[]> change) => new TestCaseData(change).SetArgDisplayNames(what);
    }

    [SetUp]
    public async Task StartAsync()
    {
        _change = await KeyChange.StartAsync();
        var ring = _change.World.Ring(
            new ByokKeySettings { KeyArn = _change.OldKey.Arn, Credentials = _change.OldCredentials },
            options => (options.AllowedRegions, options.FrameLength) = ([_change.OldKey.Region], FrameLength));
        _message = await _change.EncryptAsync(ring, Plaintext);
        _body = PlainHeader.Read(_message).Length;
    }

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    [TestCaseSource(nameof(Bodies))]
    public async Task Reencrypt_refuses_a_body(Func<byte[], byte[]> change)
    {
        byte[] changed = [.. _message[.._body], .. change(_message[_body..])];

        await AssertRefusedAsync(changed);

        Assert.That(
            _change.Calls,
            Is.EqualTo(_asStream ? _change.DecryptThenEncrypt : [$"Decrypt {_change.OldKey.Arn}"]),
            "in memory, all of the message is authenticated before a data key is wrapped");
        Assert.That(await ReencryptAsync(_message), Is.Not.Empty, "the unchanged message");
    }

    [TestCaseSource(nameof(Bodies))]
    public async Task Reencrypt_does_not_read_the_body_of_a_current_message(Func<byte[], byte[]> change)
    {
        var current = await _change.Ring(options => options.FrameLength = FrameLength).ReencryptAsync(_message);
        var body = PlainHeader.Read(current).Length;
        _change.World.Aws.Log.Clear();
        byte[] changed = [.. current[..body], .. change(current[body..])];

        Assert.That(await ReencryptAsync(changed), Is.EqualTo(changed));
        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {_change.NewKey.Arn}" }), "for the header");
    }

    [Test]
    public async Task Reencrypt_authenticates_the_header_of_a_current_message([Values] ByokReencryptWhen policy)
    {
        var current = await ReencryptAsync(_message);
        var body = PlainHeader.Read(current).Length;
        foreach (var at in new[] { 5, body - 40, body - 1 })
        {
            byte[] forged = [.. current];
            forged[at] ^= 1;

            Assert.That(_change.Both.NeedsReencryption(forged), Is.False, "by what the header says");
            await Assert.ThatAsync(
                () => KeyChange.ReencryptAsync(_change.Both, forged, _asStream, policy), Throws.TypeOf<ByokDecryptionException>());
        }
    }

    [Test]
    public async Task Reencrypt_authenticates_a_header_that_was_changed_to_name_the_current_key()
    {
        // The message stays under the old key. If the claim passed, the old key would be removed too early.
        var header = PlainHeader.Read(_message);
        var forged = header with { Keys = [.. header.Keys.Select(key => key with { Info = _change.NewKey.Arn })] };
        byte[] message = [.. forged.Authenticated, .. header.Tag, .. _message[_body..]];

        Assert.That(_change.Both.NeedsReencryption(message), Is.False, "by what the header says");
        await AssertRefusedAsync(message);
    }

    [Test]
    public async Task Reencrypt_refuses_a_changed_content()
    {
        _message[_body + 16] ^= 1;

        await AssertRefusedAsync(_message);
    }

    [Test]
    public async Task Reencrypt_refuses_a_header_with_any_byte_changed_and_wraps_nothing()
    {
        for (var i = 0; i < _body; i++)
        {
            _message[i] ^= (byte)(1 << (i % 8));
            await AssertRefusedAsync(_message, $"byte {i}");
            _message[i] ^= (byte)(1 << (i % 8));
        }

        Assert.That(_change.World.Aws.Log.Count("Encrypt"), Is.Zero);
    }

    [TestCase("message id")]
    [TestCase("commitment")]
    [TestCase("tag")]
    public async Task Reencrypt_unwraps_the_key_of_a_forged_header_and_wraps_nothing(string field)
    {
        var header = PlainHeader.Read(_message);
        _message[field switch { "message id" => 3, "commitment" => header.Length - 48, _ => header.Length - 1 }] ^= 1;

        await AssertRefusedAsync(_message);

        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {_change.OldKey.Arn}" }));
    }

    [Test]
    public async Task Reencrypt_refuses_a_key_that_the_message_is_not_committed_to_though_its_tag_is_right()
    {
        var dataKey = await _change.OpenDataKeyAsync(_message, _change.OldKey);
        _message[_body - 48] ^= 1;
        var message = await _change.WrapAsync(_message, dataKey, _change.OldKey);

        await AssertRefusedAsync(message);

        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {_change.OldKey.Arn}" }));
    }

    [Test]
    public async Task Reencrypt_leaves_it_to_AWS_to_refuse_a_changed_context()
    {
        _message[_message.AsSpan().IndexOf("variables/42"u8)] ^= 1;

        await AssertRefusedAsync(_message);

        var request = _change.World.Aws.Log.Requests.Single();
        Assert.That((request.Operation, request.ErrorCode), Is.EqualTo(("Decrypt", "InvalidCiphertextException")));
    }

    [Test]
    public async Task Reencrypt_refuses_a_message_of_a_key_that_the_ring_does_not_have_without_a_call()
    {
        var ring = _change.New; // no one told it of the old key

        await Assert.ThatAsync(
            () => KeyChange.ReencryptAsync(ring, _message, _asStream),
            Throws.TypeOf<ByokDecryptionException>().With.Message.Contains("add the old one to PreviousKeys"));

        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Reencrypt_names_the_old_key_when_that_is_not_usable()
    {
        _change.OldKey.Disable();

        var refusal = await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => ReencryptAsync(_message));

        Assert.That((refusal!.KeyArn.ToString(), refusal.Operation), Is.EqualTo((_change.OldKey.Arn, "kms:Decrypt")));
        Assert.That(refusal.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(refusal.Message, Does.Contain(_change.OldKey.Arn));
        Assert.That(_change.Calls, Is.EqualTo(new[] { $"Decrypt {_change.OldKey.Arn}" }));
    }

    [Test]
    public async Task Reencrypt_names_the_new_key_when_that_is_not_usable_and_the_message_stays_as_it_was()
    {
        var copy = _message.ToArray();
        _change.NewKey.Disable();

        var refusal = await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => ReencryptAsync(_message));

        Assert.That((refusal!.KeyArn.ToString(), refusal.Operation), Is.EqualTo((_change.NewKey.Arn, "kms:Encrypt")));
        Assert.That(refusal.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(_change.Calls, Is.EqualTo(_change.DecryptThenEncrypt));
        Assert.That(_message, Is.EqualTo(copy));
        Assert.That(await _change.Both.DecryptAsync(_message, KeyChange.Context), Is.EqualTo(Plaintext));
        _change.NewKey.Enable();
        _change.World.Time.Advance(TimeSpan.FromSeconds(1)); // the first pause after a denial
        Assert.That(await _change.New.DecryptAsync(await ReencryptAsync(_message)), Is.EqualTo(Plaintext));
    }

    [TestCase("MaxMessageLength", "1024")]
    [TestCase("MaxEncryptedDataKeys", "1")]
    public async Task Reencrypt_keeps_to_the_limits_without_a_call(string limit, string value)
    {
        var message = await _change.EncryptOldAsync(RandomNumberGenerator.GetBytes(2_000));
        message = await _change.WrapAsync(message, await _change.OpenDataKeyAsync(message, _change.OldKey), _change.OldKey, _change.NewKey);
        var ring = _change.Ring(options =>
        {
            options.MaxMessageLength = limit == nameof(options.MaxMessageLength) ? 1_024 : options.MaxMessageLength;
            options.MaxEncryptedDataKeys = limit == nameof(options.MaxEncryptedDataKeys) ? 1 : options.MaxEncryptedDataKeys;
        });

        await Assert.ThatAsync(
            () => KeyChange.ReencryptAsync(ring, message, _asStream),
            Throws.TypeOf<ByokDecryptionException>().With.Message.Contains($" {value} "));

        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Reencrypt_writes_no_message_that_it_could_not_read()
    {
        var farAway = _change.World.Customer.CreateKey("ap-northeast-1"); // five letters more than us-west-2
        _change.World.User.Policy = Policies.Permissions("*");
        var settings = _change.World.Settings(ByokCredentialSettings.AccessKeysType);
        settings.KeyArn = farAway.Arn;
        settings.PreviousKeys = [new() { KeyArn = _change.OldKey.Arn, Credentials = settings.Credentials }];
        var message = await _change.EncryptOldAsync(RandomNumberGenerator.GetBytes(2_000));

        var reencrypted = await KeyChange.ReencryptAsync(Ring(message.Length + 5), message, _asStream);
        Assert.That(await Ring(message.Length + 5).DecryptAsync(reencrypted), Has.Length.EqualTo(2_000));
        await Assert.ThatAsync(
            () => KeyChange.ReencryptAsync(Ring(message.Length + 4), message, _asStream),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(
                $"The message is longer than the {message.Length + 4} bytes that are allowed."));

        IByokKeyRing Ring(long limit) =>
            _change.World.Ring(
                settings, options => (options.AllowedRegions, options.MaxMessageLength) = ([farAway.Region, _change.OldKey.Region], limit));
    }

    private Task<byte[]> ReencryptAsync(byte[] message) => KeyChange.ReencryptAsync(_change.Both, message, _asStream);

    private async Task AssertRefusedAsync(byte[] message, string? what = null) =>
        await Assert.ThatAsync(
            () => ReencryptAsync(message), Throws.TypeOf<ByokDecryptionException>().With.InnerException.Null, what ?? "");
}
