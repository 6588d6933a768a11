using System.Security.Cryptography;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// Messages that other writers made, or that this library makes of little: plaintext and pairs stay, and the format is the ring's.
/// </summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class ReencryptFormatTests
{
    private readonly bool _asStream;
    private KeyChange _change = null!;
    private byte[] _oldDataKey = null!;
    private byte[] _oldBody = null!;

    public ReencryptFormatTests(bool asStream) => _asStream = asStream;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    [TestCase("js-generated-kms", "kms-0478-econe-k1")]
    [TestCase("js-generated-kms", "kms-0478-ecnonascii-k1")]
    [TestCase("js-generated-kms", "kms-0478-p1-f1")]
    [TestCase("js-generated-kms", "kms-0478-8-edks")]
    [TestCase("crafted", "ok-0478-exact-multiple-full-final")]
    [TestCase("crafted", "ok-0478-exact-multiple-empty-final")]
    [TestCase("crafted", "ok-0478-frame-iv-not-sequence")]
    [TestCase("crafted", "ok-0478-nonframed-empty")]
    public async Task Reencrypt_keeps_the_plaintext_and_the_pairs_of_another_writers_message(string set, string name)
    {
        var vector = VectorSet.Load(Path.Combine(VectorSet.Own, set)).Vectors.Single(vector => vector.Name == name);
        var dataKey = Convert.FromHexString(vector.DataKey!);
        var message = await _change.WrapAsync(vector.Message, dataKey, _change.OldKey);

        var plaintext = await AssertMovedAsync(message, PlainHeader.Read(message).Context, dataKey);

        Assert.That(Convert.ToHexStringLower(SHA256.HashData(plaintext)), Is.EqualTo(vector.PlaintextSha256));
    }

    [Test]
    public async Task Reencrypt_puts_unsorted_pairs_in_order()
    {
        var header = await OldHeaderAsync("abc"u8.ToArray());
        var unsorted = header with { Context = PlainHeader.WriteContext(("b", "2"), ("Z", "1"), ("a", "ä"), ("", "")) };

        await AssertMovedAsync(
            await _change.WrapAsync([.. unsorted.Authenticated, .. header.Tag, .. _oldBody], _oldDataKey, _change.OldKey),
            PlainHeader.WriteContext(("", ""), ("Z", "1"), ("a", "ä"), ("b", "2")),
            _oldDataKey);
    }

    [Test]
    public async Task Reencrypt_gives_an_empty_context_with_a_count_its_usual_form()
    {
        var header = await OldHeaderAsync("abc"u8.ToArray());
        var counted = header with { Context = [0, 2, 0, 0] };

        await AssertMovedAsync(
            await _change.WrapAsync([.. counted.Authenticated, .. header.Tag, .. _oldBody], _oldDataKey, _change.OldKey),
            [0, 0],
            _oldDataKey);
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(100_000)]
    public async Task Reencrypt_makes_frames_of_a_body_of_one_block(int length)
    {
        var header = await OldHeaderAsync([]);
        var contentKey = PlainReader.ContentKey(_oldDataKey, header.MessageId);
        var plaintext = RandomNumberGenerator.GetBytes(length);
        var block = (header with { ContentType = 1, FrameLength = 0 }).Authenticated;

        var opened = await AssertMovedAsync(
            await _change.WrapAsync(
                [.. block, .. header.Tag, .. SealBlock(contentKey, header.MessageId, plaintext)], _oldDataKey, _change.OldKey),
            header.Context,
            _oldDataKey);

        Assert.That(opened, Is.EqualTo(plaintext));
    }

    [Test]
    public async Task Reencrypt_keeps_a_message_of_nothing_under_no_pairs()
    {
        var message = await _change.Old.EncryptAsync(ReadOnlyMemory<byte>.Empty);
        var dataKey = await _change.OpenDataKeyAsync(message, _change.OldKey);

        Assert.That(await AssertMovedAsync(message, [0, 0], dataKey), Is.Empty);
    }

    private async Task<PlainHeader> OldHeaderAsync(byte[] plaintext)
    {
        var message = await _change.EncryptOldAsync(plaintext);
        _oldDataKey = await _change.OpenDataKeyAsync(message, _change.OldKey);
        var header = PlainHeader.Read(message);
        _oldBody = message[header.Length..];
        return header;
    }

    private static byte[] SealBlock(byte[] contentKey, byte[] messageId, byte[] plaintext)
    {
        var iv = new byte[12];
        iv[^1] = 1;
        var content = new byte[plaintext.Length];
        var tag = new byte[16];
        using var aes = new AesGcm(contentKey, 16);
        aes.Encrypt(iv, plaintext, content, tag, PlainReader.FrameData(messageId, "Single Block", 1, (ulong)plaintext.Length));
        var length = BitConverter.GetBytes((ulong)plaintext.Length).Reverse();
        return [.. iv, .. length, .. content, .. tag];
    }

    /// <summary>Moves the message, compares the new header with the old one, and decrypts.</summary>
    private async Task<byte[]> AssertMovedAsync(byte[] message, byte[] expectedContext, byte[] dataKey)
    {
        var old = PlainHeader.Read(message);
        var reencrypted = await KeyChange.ReencryptAsync(_change.Both, message, _asStream);

        Assert.That(_change.Calls, Is.EqualTo(_change.DecryptThenEncrypt));
        var header = PlainHeader.Read(reencrypted);
        Assert.That(header.Start, Is.EqualTo(new byte[] { 0x02, 0x04, 0x78 }));
        Assert.That(header.Context, Is.EqualTo(expectedContext));
        Assert.That(header.Keys.Select(key => (key.Provider, key.Info)), Is.EqualTo(new[] { ("aws-kms", _change.NewKey.Arn) }));
        Assert.That((header.ContentType, header.FrameLength), Is.EqualTo(((byte)2, 65_536u)), "the ring's own format");
        Assert.That(header.MessageId, Is.Not.EqualTo(old.MessageId));
        Assert.That(await _change.OpenDataKeyAsync(reencrypted, _change.NewKey), Is.Not.EqualTo(dataKey));
        return await _change.New.DecryptAsync(reencrypted, old.Pairs);
    }
}
