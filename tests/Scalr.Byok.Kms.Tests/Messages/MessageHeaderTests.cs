using System.Buffers.Binary;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

public sealed class MessageHeaderTests
{
    private const int ContextAt = 35;

    private static int KeysAt => ContextAt + EncryptionContext.Create(Sample.Pairs, "pairs").Section.Length;

    private static int ContentTypeAt => Sample.Template().HeaderLength - 16 - 32 - 5;

    private static IEnumerable<TestCaseData> Malformed()
    {
        yield return Case("of nothing", _ => [], HeaderErrors.TooShort);
        yield return Case("of one byte", message => message[..1], HeaderErrors.TooShort);
        yield return Case("cut in the message id", message => message[..20], HeaderErrors.TooShort);
        yield return Case("cut in the encrypted data keys", message => message[..(KeysAt + 30)], HeaderErrors.TooShort);
        yield return Case("cut in the tag", message => message[..(Sample.Template().HeaderLength - 1)], HeaderErrors.TooShort);
        yield return Case("in base64", message => Ascii(Convert.ToBase64String(message)), HeaderErrors.Base64);
        yield return Case("in base64, version 1", _ => Ascii(Convert.ToBase64String([1, 0x80, 1, 0x78])), HeaderErrors.Base64);
        yield return Case("of text", _ => Ascii("Hello, world"), HeaderErrors.NotAMessage);
        yield return Case("of version 3", message => With(message, 0, 3), HeaderErrors.NotAMessage);
        yield return Case("of version 1 and another type", _ => [1, 0x81, 1, 0x78], HeaderErrors.NotAMessage);
        yield return Case("of an unknown suite", message => With(message, 1, 0x67, 0), HeaderErrors.Unknown(0x6700));
        yield return Case("of a legacy suite in version 2", message => With(message, 1, 1, 0x78), HeaderErrors.Unknown(0x0178));
        yield return Case("of the committing suite in version 1", _ => [1, 0x80, 4, 0x78], HeaderErrors.Unknown(0x0478));
        yield return Case(
            "of the signed suite, without a public key",
            message => With(message, 1, 5),
            HeaderErrors.SignatureKeyMissing);
        yield return Case("with a context of one byte", message => WithContext(message, [0, 1, 0]), HeaderErrors.ContextMalformed);
        yield return Case("with fewer pairs than counted", message => WithContext(message, [0, 2, 0, 1]), HeaderErrors.ContextMalformed);
        yield return Case(
            "with no pairs and something behind", message => WithContext(message, [0, 3, 0, 0, 0]), HeaderErrors.ContextMalformed);
        yield return Case(
            "with a pair and something behind",
            message => WithContext(message, [0, 7, 0, 1, 0, 0, 0, 0, 0]),
            HeaderErrors.ContextMalformed);
        yield return Case(
            "with a value that ends behind the context",
            message => WithContext(message, [0, 6, 0, 1, 0, 0, 0, 1]),
            HeaderErrors.ContextMalformed);
        yield return Case(
            "with a key twice",
            message => WithContext(message, [0, 12, 0, 2, 0, 1, 97, 0, 0, 0, 1, 97, 0, 0]),
            HeaderErrors.ContextMalformed);
        yield return Case(
            "with a key twice, not side by side",
            message => WithContext(message, [0, 17, 0, 3, 0, 1, 98, 0, 0, 0, 1, 97, 0, 0, 0, 1, 98, 0, 0]),
            HeaderErrors.ContextMalformed);
        yield return Case(
            "with a key that is not UTF-8", message => WithContext(message, [0, 7, 0, 1, 0, 1, 0xff, 0, 0]), HeaderErrors.ContextMalformed);
        yield return Case(
            "with a public key",
            message => WithContext(message, [0, 27, 0, 1, 0, 21, .. "aws-crypto-public-key"u8, 0, 0]),
            HeaderErrors.ContextHoldsPublicKey);
        yield return Case("with a context longer than the message", message => With(message, ContextAt, 0xff, 0xff), HeaderErrors.TooShort);
        yield return Case("without encrypted data keys", message => With(message, KeysAt, 0, 0), HeaderErrors.NoEncryptedDataKeys);
        yield return Case(
            "with fewer encrypted data keys than counted", message => With(message, KeysAt, 0, Sample.MaxKeys), HeaderErrors.TooShort);
        yield return Case(
            "with too many encrypted data keys",
            message => With(message, KeysAt, 0, Sample.MaxKeys + 1),
            "The message has more encrypted data keys than the 16 that are allowed.");
        yield return Case(
            "with a provider id that is not UTF-8", message => With(message, KeysAt + 4, 0xff), HeaderErrors.ProviderIdMalformed);
        yield return Case("of content type 0", message => With(message, ContentTypeAt, 0), HeaderErrors.ContentTypeUnknown);
        yield return Case("of content type 3", message => With(message, ContentTypeAt, 3), HeaderErrors.ContentTypeUnknown);
        yield return Case("of one block, with a frame length", message => With(message, ContentTypeAt, 1), HeaderErrors.FrameLengthNotZero);
        yield return Case("with frames of nothing", message => With(message, ContentTypeAt + 1, 0, 0, 0, 0), HeaderErrors.FrameLengthZero);

        static TestCaseData Case(string what, Func<byte[], byte[]> change, string complaint) =>
            new TestCaseData(change, complaint).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(Malformed))]
    public void Read_says_what_is_wrong_with_a_header(Func<byte[], byte[]> change, string complaint)
    {
        var message = change(Sample.Message());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(MessageHeader.TryRead(message, Sample.Options, out var header, out var found), Is.False);
            Assert.That(header, Is.Null);
            Assert.That(found, Is.EqualTo(complaint));
            Assert.That(
                () => MessageHeader.Read(message, Sample.Options),
                Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(complaint));
        }
    }

    [TestCase(0x0014, "0014 (ALG_AES_128_GCM_IV12_TAG16_NO_KDF)")]
    [TestCase(0x0046, "0046 (ALG_AES_192_GCM_IV12_TAG16_NO_KDF)")]
    [TestCase(0x0078, "0078 (ALG_AES_256_GCM_IV12_TAG16_NO_KDF)")]
    [TestCase(0x0114, "0114 (ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256)")]
    [TestCase(0x0146, "0146 (ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA256)")]
    [TestCase(0x0178, "0178 (ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA256)")]
    [TestCase(0x0214, "0214 (ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256)")]
    [TestCase(0x0346, "0346 (ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384)")]
    [TestCase(0x0378, "0378 (ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384)")]
    public void Read_refuses_a_suite_that_does_not_commit_to_its_key_by_name(int suite, string name)
    {
        byte[] message = [1, 0x80, (byte)(suite >> 8), (byte)(suite & 0xff)];

        Assert.That(
            () => MessageHeader.Read(message, Sample.Options),
            Throws.TypeOf<ByokDecryptionException>().With.Message.Contains($"suite {name}, which does not commit to its key"));
    }

    [Test]
    public void Read_takes_as_many_encrypted_data_keys_as_are_allowed()
    {
        var message = Sample.Message(template: Sample.Template(keys: 3));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                MessageHeader.Read(message, Sample.Options with { MaxEncryptedDataKeys = 3 }).EncryptedDataKeys, Has.Count.EqualTo(3));
            Assert.That(
                () => MessageHeader.Read(message, Sample.Options with { MaxEncryptedDataKeys = 2 }),
                Throws.TypeOf<ByokDecryptionException>());
        }
    }

    [Test]
    public void Read_refuses_counts_that_the_message_does_not_back_before_it_allocates_for_them()
    {
        var message = With(Sample.Message(), KeysAt, 0xff, 0xff);
        Assert.That(MessageHeader.TryRead(message, MessageOptions.Unlimited, out _, out _), Is.False, "warms up");

        var before = GC.GetAllocatedBytesForCurrentThread();
        var read = MessageHeader.TryRead(message, MessageOptions.Unlimited, out _, out _);

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(read, Is.False);
        Assert.That(allocated, Is.LessThan(2_000));
    }

    [Test]
    public void Length_is_where_the_body_begins() =>
        Assert.That(MessageHeader.Read(Sample.Message(), Sample.Options).Length, Is.EqualTo(Sample.Template().HeaderLength));

    private static byte[] Ascii(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private static byte[] With(byte[] message, int offset, params byte[] bytes)
    {
        bytes.CopyTo(message, offset);
        return message;
    }

    private static byte[] WithContext(byte[] message, byte[] section)
    {
        int old = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(ContextAt));
        return [.. message[..ContextAt], .. section, .. message[(ContextAt + 2 + old)..]];
    }
}
